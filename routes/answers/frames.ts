import { setImmediate } from 'node:timers/promises';
import type { EventLog, ReadOptions } from '../../src/log/event-log.ts';
import type { LoggedEvent } from '../../src/log/logged-event.ts';
import { LONG_TURN, outputBytes, readOutput, SHORT_TURN, turnsOf } from '../../src/log/output-reader.ts';
import { Scratch } from '../../src/log/scratch.ts';
import { unbroken } from './one-line.ts';

/** A comment goes out when nothing else did for so long, so that proxies keep the connection. */
export const HEARTBEAT_MS = 15_000;

/** What a server-sent-events stream may have anywhere between two events. */
export const COMMENT = Buffer.from(': \n\n');

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
 * Events of a run as bytes. No line break of any reader is within the JSON, so `data:` is one line. `passed` is told the seq of the last
 * event of each buffer, before it is yielded. A buffer is good until the next is asked for. Who reads alone gets larger
 * ones, as long as encoding them is quick: control characters are slow, six bytes each.
 */
export async function* frames(
  log: EventLog,
  framing: Framing,
  options: ReadOptions,
  passed: (seq: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const heartbeat = HEARTBEATS[framing];
  let turnBytes = LONG_TURN;
  for await (const batch of log.read(heartbeat === null ? options : { ...options, idleMs: HEARTBEAT_MS })) {
    if (batch.length === 0 && heartbeat !== null) yield heartbeat;
    const shared = log.readers > 1;
    for (const [at, turn] of turnsOf(batch, shared ? SHORT_TURN : turnBytes).entries()) {
      if (at > 0) await setImmediate();
      const memory = shared ? null : Scratch.take();
      const bytes = memory ? own(memory, await encode(turn, framing)) : await encoded(turn, framing);
      turnBytes = bytes.length < 2 * outputBytes(turn) ? LONG_TURN : SHORT_TURN;
      passed(turn.at(-1)?.seq ?? 0);
      yield bytes;
      memory?.giveBack(); // not reached when the reader left: the bytes may still be on their way
    }
  }
}

function encoded(turn: readonly LoggedEvent[], framing: Framing): Promise<Buffer> {
  const [first] = turn;
  const last = turn.at(-1)?.seq ?? 0;
  const known = first && ENCODED[framing].get(first);
  if (known?.last === last) return known.bytes;
  const bytes = encode(turn, framing).then((text) => Buffer.from(text));
  if (first) {
    ENCODED[framing].set(first, { last, bytes });
    bytes.catch(() => ENCODED[framing].delete(first)); // the next reader may have more luck
  }
  return bytes;
}

async function encode(turn: readonly LoggedEvent[], framing: Framing): Promise<string> {
  const memory = Scratch.take();
  const output = await readOutput(turn, memory);
  const text = turn.map((event, at) => frame(event, event.json(output[at] ?? null), framing)).join('');
  memory.giveBack();
  return unbroken(text);
}

/** For one reader alone. */
function own(memory: Scratch, text: string): Buffer {
  const room = memory.room(Buffer.byteLength(text));
  return room.subarray(0, room.write(text));
}

function frame(event: LoggedEvent, json: string, framing: Framing): string {
  return framing === 'ndjson' ? `${json}\n` : `id: ${event.seq}\nevent: ${event.type}\ndata: ${json}\n\n`;
}
