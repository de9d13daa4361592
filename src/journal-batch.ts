import { decodeEntry, type JournalEntry, type OutputEntry } from './journal.ts';
import { crosses, isOutput, LoggedEvent } from './logged-event.ts';
import type { RunFiles } from './run-files.ts';
import { STREAMS, type Stream } from './stream.ts';

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
  const entries: JournalEntry[] = [];
  let from = 0;
  let complete = false;
  while (from < bytes.length && !complete) {
    const to = bytes.indexOf(NEWLINE, from);
    if (to === -1) break;
    const entry = decodeEntry(bytes.toString('utf8', from, to));
    from = to + 1;
    if (!entry) continue;
    entries.push(entry);
    complete = entry.seq % EVENTS_BOUND === 0 || crosses(entry, OUTPUT_BOUND);
  }
  // Bytes without a newline can be no event: a torn end, passed over.
  return { events: withBytes(invocationId, files, entries), next: position + (from || bytes.length) };
}

/** At least one whole line, however long it is. */
async function readLines(files: RunFiles, position: number, end: number): Promise<Buffer> {
  for (let size = READ_BYTES; ; size *= 4) {
    const bytes = await files.read('journal', position, Math.min(size, end - position));
    if (bytes.length < size || bytes.includes(NEWLINE)) return bytes;
  }
}

/** Output events of one batch are contiguous in their stream: each stream is read once, when first asked for. */
function withBytes(invocationId: string, files: RunFiles, entries: JournalEntry[]): LoggedEvent[] {
  const loaders = new Map<Stream, (entry: OutputEntry) => Promise<Buffer>>();
  for (const stream of STREAMS) {
    const own = entries.filter((entry): entry is OutputEntry => entry.type === stream);
    const [first, last] = [own[0], own.at(-1)];
    if (!first || !last) continue;
    const length = last.offset + last.length - first.offset;
    let block: Promise<Buffer> | null = null;
    loaders.set(stream, async (entry) => {
      block ??= files.read(stream, first.offset, length);
      const bytes = await block;
      const at = entry.offset - first.offset;
      if (bytes.length < at + entry.length)
        throw new Error(`${stream} of ${invocationId} is shorter than its journal says`);
      return bytes.subarray(at, at + entry.length);
    });
  }
  return entries.map((entry) => {
    const load = isOutput(entry) ? loaders.get(entry.type) : undefined;
    return new LoggedEvent(invocationId, entry, load && isOutput(entry) ? () => load(entry) : null);
  });
}
