import type { Phase } from '../../src/documents/stream.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { isOutput, isOutputOf, type LoggedEvent } from '../../src/log/logged-event.ts';
import { LONG_TURN, readOutput, turnsOf } from '../../src/log/output-reader.ts';
import { Scratch } from '../../src/log/scratch.ts';

/**
 * stdout and stderr of one phase in order of arrival, as they come when `follow`, else what is there. Opened again, it goes on
 * after what it yielded before. A buffer is good until the next is asked for. `from`: so many bytes are passed over, by their length.
 */
export function joinedOutput(
  log: EventLog,
  phase: Phase,
  follow: boolean,
  from = 0,
): (signal?: AbortSignal) => AsyncGenerator<Buffer> {
  let after = 0;
  let left = from;
  return async function* (signal) {
    for await (const batch of log.read({ after, follow, ...(signal && { signal }) }))
      for (const turn of turnsOf(batch, LONG_TURN)) {
        const { rest, into } = past(turn, phase, left);
        const passed = (seq: number): void => {
          after = seq;
          left = Math.max(0, left - (lengthOf(turn, phase) - lengthOf(rest, phase)) - into);
        };
        if (rest.length === 0) passed(turn.at(-1)?.seq ?? after);
        for await (const bytes of joined(rest, phase, passed)) yield bytes.subarray(into);
      }
  };
}

/** Some events without those that the first `bytes` of output are in, and how many of the bytes of the first that stays. */
function past(
  turn: readonly LoggedEvent[],
  phase: Phase,
  bytes: number,
): { rest: readonly LoggedEvent[]; into: number } {
  if (bytes === 0) return { rest: turn, into: 0 };
  let left = bytes;
  const at = turn.findIndex(({ entry }) => {
    if (!isOutputOf(entry, phase)) return false;
    if (left < entry.length) return true;
    left -= entry.length;
    return false;
  });
  return at === -1 ? { rest: [], into: 0 } : { rest: turn.slice(at), into: left };
}

function lengthOf(turn: readonly LoggedEvent[], phase: Phase): number {
  return turn.reduce((sum, { entry }) => sum + (isOutputOf(entry, phase) ? entry.length : 0), 0);
}

/**
 * The bytes `start` up to and without `end` of the joined output of one phase of a finished run. Events
 * outside are passed over by their length, their bytes are not read.
 */
export async function* joinedRange(
  log: EventLog,
  phase: Phase,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let position = 0;
  if (start >= end) return;
  for await (const batch of log.read({ after: 0, follow: false })) {
    for (const turn of turnsOf(batch, LONG_TURN)) {
      let from = position;
      const inside = turn.filter((event) => {
        const begin = position;
        if (isOutputOf(event.entry, phase)) position += event.entry.length;
        if (position <= start) from = position;
        return begin < end && position > start;
      });
      for await (const bytes of joined(inside, phase))
        yield bytes.subarray(Math.max(0, start - from), end - from);
      if (position >= end) return;
    }
  }
}

/**
 * The output of this phase that is in some events; what comes before the first whose capture does not have what it tells of, then an error.
 * `passed` is told the seq of the last event of what is yielded, before it is.
 */
async function* joined(
  all: readonly LoggedEvent[],
  phase: Phase,
  passed: (seq: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const events = all.filter(({ entry }) => !isOutput(entry) || isOutputOf(entry, phase));
  const memory = Scratch.take();
  const output = await readOutput(events, memory);
  const lost = events.findIndex(({ entry }, index) => isOutput(entry) && !output[index]);
  const sound = lost === -1 ? events.length : lost;
  const bytes = output.slice(0, sound).filter((part) => part !== null);
  const last = events[sound - 1];
  if (last) passed(last.seq);
  if (bytes.length > 0) yield inOne(bytes);
  if (lost !== -1) throw new Error(`${events[lost]?.type} of the run is not what its journal says`);
  memory.giveBack(); // not reached when the reader left: the bytes may still be on their way
}

/** What was read from one stream lies together already. */
function inOne(parts: readonly Buffer[]): Buffer {
  const [first] = parts;
  let end = first?.byteOffset ?? 0;
  for (const part of parts) {
    if (part.buffer !== first?.buffer || part.byteOffset !== end) return Buffer.concat(parts);
    end += part.length;
  }
  return first ? Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset) : Buffer.alloc(0);
}
