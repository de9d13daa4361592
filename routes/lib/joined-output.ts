import type { EventLog } from '../../src/event-log.ts';
import { isOutput } from '../../src/logged-event.ts';

/**
 * stdout and stderr in order of arrival, as they come when `follow`, else what is there. Opened again, it goes on
 * after what it yielded before.
 */
export function joinedOutput(
  log: EventLog,
  follow: boolean,
): (signal?: AbortSignal) => AsyncGenerator<Buffer> {
  let after = 0;
  return async function* (signal) {
    for await (const batch of log.read({ after, follow, ...(signal && { signal }) }))
      for (const event of batch) {
        const bytes = isOutput(event.entry) ? await event.bytes() : null;
        after = event.seq;
        if (bytes) yield bytes;
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
  for await (const batch of log.read({ after: 0, follow: false })) {
    for (const event of batch) {
      const { entry } = event;
      if (!isOutput(entry)) continue;
      const from = position;
      position += entry.length;
      if (position > start) yield (await event.bytes()).subarray(Math.max(0, start - from), end - from);
      if (position >= end) return;
    }
  }
}
