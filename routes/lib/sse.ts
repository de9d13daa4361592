import { setImmediate } from 'node:timers/promises';
import type { EventLog, ReadOptions } from '../../src/event-log.ts';
import type { LoggedEvent } from '../../src/logged-event.ts';

/** A comment goes out when nothing else did for so long, so that proxies keep the connection. */
export const HEARTBEAT_MS = 15_000;

/** Output encoded in one turn of the event loop. JSON of control characters is slow: six bytes for one. */
const TURN_BYTES = 64 * 1024;

/** How an event is written: as a server-sent event (WHATWG HTML, 9.2) or as a line of JSON. */
export type Framing = 'sse' | 'ndjson';

const HEARTBEATS: Readonly<Record<Framing, Buffer | null>> = { sse: Buffer.from(': \n\n'), ndjson: null };

/** Frames made so far, for all readers of the same event: a text is encoded once. */
const FRAMES: Readonly<Record<Framing, WeakMap<LoggedEvent, Promise<Buffer>>>> = {
  sse: new WeakMap(),
  ndjson: new WeakMap(),
};

/** Events of a run as bytes, one buffer a batch. JSON has no raw line breaks, so `data:` is one line. */
export async function* frames(log: EventLog, framing: Framing, options: ReadOptions): AsyncGenerator<Buffer> {
  const heartbeat = HEARTBEATS[framing];
  for await (const batch of log.read(heartbeat === null ? options : { ...options, idleMs: HEARTBEAT_MS })) {
    const [first] = batch;
    if (first === undefined) {
      if (heartbeat !== null) yield heartbeat;
    } else
      for (const [at, turn] of turns(batch).entries()) {
        if (at > 0) await setImmediate();
        const [only, ...others] = await Promise.all(turn.map((event) => frameOf(event, framing)));
        if (only) yield others.length === 0 ? only : Buffer.concat([only, ...others]);
      }
  }
}

/** A batch in parts whose encoding is short enough not to hold up the other readers. */
function turns(batch: readonly LoggedEvent[]): LoggedEvent[][] {
  const parts: LoggedEvent[][] = [];
  let room = 0;
  for (const event of batch) {
    const size = 'length' in event.entry ? event.entry.length : 0;
    if (room <= 0) {
      parts.push([]);
      room = TURN_BYTES;
    }
    parts.at(-1)?.push(event);
    room -= size;
  }
  return parts;
}

function frameOf(event: LoggedEvent, framing: Framing): Promise<Buffer> {
  const known = FRAMES[framing].get(event);
  if (known !== undefined) return known;
  const made = event
    .json()
    .then((json) => Buffer.from(framing === 'sse' ? sseFrame(event, json) : `${json}\n`));
  FRAMES[framing].set(event, made);
  return made;
}

function sseFrame(event: LoggedEvent, json: string): string {
  return `id: ${event.seq}\nevent: ${event.entry.type}\ndata: ${json}\n\n`;
}
