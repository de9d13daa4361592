import { decodeLine } from '../journal/journal.ts';
import type { RunFiles } from './run-files.ts';

/** Nearer than this it is as quick to read on. */
const NEAR_BYTES = 32 * 1024;
const LOOK_BYTES = 4 * 1024;
const NEWLINE = 10;

/**
 * Where to begin to read a journal for the event `seq`: the start of a line, at or shortly before it.
 * A search by halves, since seqs only rise: a journal of any length is found through in a few reads.
 */
export async function seekJournal(files: RunFiles, seq: number, end: number): Promise<number> {
  let low = 0;
  let high = end;
  while (high - low > NEAR_BYTES) {
    const middle = low + Math.floor((high - low) / 2);
    const found = await firstEventIn(files, middle, high);
    if (found !== null && found.seq <= seq) low = found.position;
    else high = middle;
  }
  return low;
}

/** The first event whose line begins after `from` and ends before `to`. */
async function firstEventIn(
  files: RunFiles,
  from: number,
  to: number,
): Promise<{ position: number; seq: number } | null> {
  for (let size = LOOK_BYTES; ; size *= 4) {
    const bytes = await files.read('journal', from, Math.min(size, to - from));
    let start = bytes.indexOf(NEWLINE) + 1;
    while (start > 0) {
      const newline = bytes.indexOf(NEWLINE, start);
      if (newline === -1) break;
      const entry = decodeLine(bytes.subarray(start, newline))?.entry;
      if (entry) return { position: from + start, seq: entry.seq };
      start = newline + 1;
    }
    if (bytes.length < size) return null;
  }
}

/** The seq of the last event of a journal of `end` bytes; null: it has none. */
export async function newestIn(files: RunFiles, end: number): Promise<number | null> {
  for (let size = LOOK_BYTES; ; size *= 4) {
    const from = Math.max(0, end - size);
    const bytes = await files.read('journal', from, end - from);
    let newline = bytes.lastIndexOf(NEWLINE);
    while (newline !== -1) {
      const before = newline === 0 ? -1 : bytes.lastIndexOf(NEWLINE, newline - 1);
      if (before === -1 && from > 0) break; // its line begins earlier
      const entry = decodeLine(bytes.subarray(before + 1, newline))?.entry;
      if (entry) return entry.seq;
      newline = before;
    }
    if (from === 0) return null;
  }
}
