import type { EventLog } from '../../src/event-log.ts';
import { isOutput, type LoggedEvent } from '../../src/logged-event.ts';
import { LONG_TURN, OutputReader, outputBytes, turnsOf } from '../../src/output-reader.ts';

/**
 * stdout and stderr in order of arrival, as they come when `follow`, else what is there. Opened again, it goes on
 * after what it yielded before. A buffer is good until the next is asked for.
 */
export function joinedOutput(
  log: EventLog,
  follow: boolean,
): (signal?: AbortSignal) => AsyncGenerator<Buffer> {
  let after = 0;
  return async function* (signal) {
    const reader = new OutputReader();
    for await (const batch of log.read({ after, follow, ...(signal && { signal }) }))
      for (const turn of turnsOf(batch, LONG_TURN)) {
        after = turn.at(-1)?.seq ?? after;
        yield* joined(reader, turn);
      }
  };
}

/**
 * The bytes `start` up to and without `end` of the joined output of a finished run. Events
 * before `start` are passed over by their length, their bytes are not read.
 */
export async function* joinedRange(log: EventLog, start: number, end: number): AsyncGenerator<Buffer> {
  let position = 0;
  if (start >= end) return;
  const reader = new OutputReader();
  for await (const batch of log.read({ after: 0, follow: false })) {
    for (const turn of turnsOf(batch, LONG_TURN)) {
      const from = position;
      position += outputBytes(turn);
      if (position > start)
        for await (const bytes of joined(reader, turn))
          yield bytes.subarray(Math.max(0, start - from), end - from);
      if (position >= end) return;
    }
  }
}

/** The output of some events; what comes before the first whose capture does not have what it tells of, then an error. */
async function* joined(reader: OutputReader, events: readonly LoggedEvent[]): AsyncGenerator<Buffer> {
  const output = await reader.read(events);
  const lost = events.findIndex(({ entry }, index) => isOutput(entry) && !output[index]);
  const bytes = output.slice(0, lost === -1 ? events.length : lost).filter((part) => part !== null);
  const [only] = bytes;
  if (only) yield bytes.length === 1 ? only : Buffer.concat(bytes);
  if (lost !== -1) throw new Error(`${events[lost]?.type} of the run is not what its journal says`);
}
