import { decodeLine } from '../journal/journal.ts';
import { crosses, LoggedEvent } from './logged-event.ts';
import type { RunFiles } from './run-files.ts';

/** Consecutive events of a journal; `next` is the position of what follows. */
export interface Batch {
  events: readonly LoggedEvent[];
  next: number;
}

const READ_BYTES = 32 * 1024;
/** A batch ends at the next of these bounds, so that it ends at the same event wherever it began. */
const EVENTS_BOUND = 256;
const OUTPUT_BOUND = 512 * 1024;
const NEWLINE = 10;

/** Read the events from `position` of the journal, at most up to `end`, which is the end of a line. */
export async function readBatch(
  invocationId: string,
  files: RunFiles,
  position: number,
  end: number,
): Promise<Batch> {
  const bytes = await readLines(files, position, end);
  if (bytes.length === 0) throw new Error(`the journal of ${invocationId} is shorter than it was`);
  const events: LoggedEvent[] = [];
  let from = 0;
  let complete = false;
  while (from < bytes.length && !complete) {
    const to = bytes.indexOf(NEWLINE, from);
    if (to === -1) break;
    const entry = decodeLine(bytes.subarray(from, to))?.entry;
    from = to + 1;
    if (!entry) continue;
    events.push(new LoggedEvent(invocationId, entry, files));
    complete = entry.seq % EVENTS_BOUND === 0 || crosses(entry, OUTPUT_BOUND);
  }
  // Bytes without a newline can be no event: a torn end, passed over.
  return { events, next: position + (from || bytes.length) };
}

/** At least one whole line, however long it is. */
async function readLines(files: RunFiles, position: number, end: number): Promise<Buffer> {
  for (let size = READ_BYTES; ; size *= 4) {
    const bytes = await files.read('journal', position, Math.min(size, end - position));
    if (bytes.length < size || bytes.includes(NEWLINE)) return bytes;
  }
}
