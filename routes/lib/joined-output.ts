import type { EventLog } from '../../src/event-log.ts';

/** stdout and stderr in order of arrival, as they come when `follow`, else what is there. */
export async function* joinedOutput(
  log: EventLog,
  options: { follow: boolean; signal?: AbortSignal },
): AsyncGenerator<Buffer> {
  for await (const batch of log.read({ after: 0, ...options })) {
    for (const event of batch)
      if (event.entry.type === 'stdout' || event.entry.type === 'stderr') yield await event.bytes();
  }
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
      if (entry.type !== 'stdout' && entry.type !== 'stderr') continue;
      const from = position;
      position += entry.length;
      if (position > start) yield (await event.bytes()).subarray(Math.max(0, start - from), end - from);
      if (position >= end) return;
    }
  }
}
