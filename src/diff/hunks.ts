import type { Edit } from './edits.ts';
import { type Lines, lineAt } from './lines.ts';

/** Lines around a change. */
const CONTEXT = 3;
const PIECE_CHARACTERS = 64 * 1024;

/** Two texts as a unified diff, in pieces. */
export function* hunksOf(old: Lines, now: Lines, edits: Edit[]): Generator<Buffer> {
  let words = '';
  for (const hunk of grouped(edits)) {
    for (const line of linesOfHunk(old, now, hunk)) {
      words += line;
      if (words.length < PIECE_CHARACTERS) continue;
      yield Buffer.from(words, 'latin1');
      words = '';
    }
  }
  if (words !== '') yield Buffer.from(words, 'latin1');
}

/** Edits whose surroundings touch are one hunk. */
function* grouped(edits: Edit[]): Generator<Edit[]> {
  let hunk: Edit[] = [];
  for (const edit of edits) {
    const last = hunk.at(-1);
    if (last !== undefined && edit.oldStart - last.oldEnd > 2 * CONTEXT) {
      yield hunk;
      hunk = [];
    }
    hunk.push(edit);
  }
  if (hunk.length > 0) yield hunk;
}

function* linesOfHunk(old: Lines, now: Lines, hunk: Edit[]): Generator<string> {
  const [first, last] = [hunk[0], hunk.at(-1)];
  if (first === undefined || last === undefined) return;
  const before = Math.min(CONTEXT, first.oldStart);
  const after = Math.min(CONTEXT, old.count - last.oldEnd);
  const from = span(first.oldStart - before, last.oldEnd + after);
  yield `@@ -${from} +${span(first.newStart - before, last.newEnd + after)} @@\n`;
  let at = first.oldStart - before;
  for (const edit of hunk) {
    while (at < edit.oldStart) yield marked(' ', lineAt(old, at++));
    while (at < edit.oldEnd) yield marked('-', lineAt(old, at++));
    for (let added = edit.newStart; added < edit.newEnd; added++) yield marked('+', lineAt(now, added));
  }
  while (at < last.oldEnd + after) yield marked(' ', lineAt(old, at++));
}

/** Lines are counted from 1; of none the one before is said. */
function span(start: number, end: number): string {
  const count = end - start;
  if (count === 1) return `${start + 1}`;
  return count === 0 ? `${start},0` : `${start + 1},${count}`;
}

const marked = (mark: string, line: string): string =>
  line.endsWith('\n') ? mark + line : `${mark}${line}\n\\ No newline at end of file\n`;
