import { setImmediate } from 'node:timers/promises';
import type { EventLog, ReadOptions } from '../../src/event-log.ts';
import { crosses, type LoggedEvent } from '../../src/logged-event.ts';

/** A comment goes out when nothing else did for so long, so that proxies keep the connection. */
export const HEARTBEAT_MS = 15_000;

/** What a server-sent-events stream may have anywhere between two events. */
export const COMMENT = Buffer.from(': \n\n');

/** About as much output is encoded in one turn of the event loop. JSON of control characters is slow: six bytes for one. */
const TURN_BYTES = 64 * 1024;

/** How an event is written: as a server-sent event (WHATWG HTML, 9.2) or as a line of JSON. */
export type Framing = 'sse' | 'ndjson';

const HEARTBEATS: Readonly<Record<Framing, Buffer | null>> = { sse: COMMENT, ndjson: null };

/** Consecutive events, encoded. */
interface Encoded {
  last: number;
  bytes: Promise<Buffer>;
}

/** What was encoded, by its first event, for all readers of the same events: they share the bytes too. */
const ENCODED: Readonly<Record<Framing, WeakMap<LoggedEvent, Encoded>>> = {
  sse: new WeakMap(),
  ndjson: new WeakMap(),
};

/**
 * Events of a run as bytes. JSON has no raw line breaks, so `data:` is one line. `passed` is told the seq of the last
 * event of each buffer, before it is yielded.
 */
export async function* frames(
  log: EventLog,
  framing: Framing,
  options: ReadOptions,
  passed: (seq: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const heartbeat = HEARTBEATS[framing];
  for await (const batch of log.read(heartbeat === null ? options : { ...options, idleMs: HEARTBEAT_MS })) {
    if (batch.length === 0 && heartbeat !== null) yield heartbeat;
    for (const [at, turn] of turns(batch).entries()) {
      if (at > 0) await setImmediate();
      const bytes = await encoded(turn, framing);
      passed(turn.at(-1)?.seq ?? 0);
      yield bytes;
    }
  }
}

/**
 * A batch in parts whose encoding is short enough not to hold up the other readers. They end at the same events
 * wherever the batch began, so that readers share them.
 */
function turns(batch: readonly LoggedEvent[]): LoggedEvent[][] {
  const parts: LoggedEvent[][] = [];
  let part: LoggedEvent[] | null = null;
  for (const event of batch) {
    if (part === null) {
      part = [];
      parts.push(part);
    }
    part.push(event);
    if (crosses(event.entry, TURN_BYTES)) part = null;
  }
  return parts;
}

function encoded(turn: readonly LoggedEvent[], framing: Framing): Promise<Buffer> {
  const [first] = turn;
  const last = turn.at(-1)?.seq ?? 0;
  const known = first && ENCODED[framing].get(first);
  if (known?.last === last) return known.bytes;
  const bytes = encode(turn, framing);
  if (first) {
    ENCODED[framing].set(first, { last, bytes });
    bytes.catch(() => ENCODED[framing].delete(first)); // the next reader may have more luck
  }
  return bytes;
}

async function encode(turn: readonly LoggedEvent[], framing: Framing): Promise<Buffer> {
  const lines = await Promise.all(turn.map((event) => event.json()));
  const frame = framing === 'sse' ? sseFrame : (_event: LoggedEvent, json: string) => `${json}\n`;
  return Buffer.from(turn.map((event, at) => frame(event, lines[at] ?? '')).join(''));
}

function sseFrame(event: LoggedEvent, json: string): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${json}\n\n`;
}
