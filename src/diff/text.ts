import { isUtf8 } from 'node:buffer';
import { type Blob, bytesOf, type Contents, sizeOf } from './contents.ts';
import { type Edit, editsOf } from './edits.ts';
import { type Lines, linesOf } from './lines.ts';
import type { Part } from './parts.ts';
import type { Turns } from './turns.ts';

/** What is larger is not compared by lines. */
export const MAX_TEXT_BYTES = 1024 * 1024;
/** So much of something larger is looked at to say whether it is text. */
const BEGINNING_BYTES = 8 * 1024;

/** Both sides as texts. */
export interface Texts {
  old: { bytes: Buffer; lines: Lines };
  new: { bytes: Buffer; lines: Lines };
  edits: Edit[];
  added: number;
  removed: number;
}

/** Its content would have to be compared, and is too large for that. */
export const isLarge = ({ old, new: now, sameContent }: Part): boolean =>
  !sameContent && Math.max(sizeOf(old), sizeOf(now)) > MAX_TEXT_BYTES;

/** Null: one of them is no text. Not for what is large, or has the same content. */
export async function textsOf(contents: Contents, part: Part, turns: Turns): Promise<Texts | null> {
  const [old, now] = [await bytesOf(contents, part.old), await bytesOf(contents, part.new)];
  if (!isText(old) || !isText(now)) return null;
  await turns.next();
  const [olds, news] = [await linesOf(old, turns), await linesOf(now, turns)];
  const edits = await editsOf(olds, news, turns);
  return {
    old: { bytes: old, lines: olds },
    new: { bytes: now, lines: news },
    edits,
    added: edits.reduce((sum, { newStart, newEnd }) => sum + newEnd - newStart, 0),
    removed: edits.reduce((sum, { oldStart, oldEnd }) => sum + oldEnd - oldStart, 0),
  };
}

/** As far as its beginning tells. */
export async function beginsAsBinary(contents: Contents, blob: Blob | null): Promise<boolean> {
  const bytes = await bytesOf(contents, blob, BEGINNING_BYTES);
  if (bytes.length === sizeOf(blob)) return !isText(bytes);
  // The last character may have been cut.
  return ![0, 1, 2, 3].some((cut) => isText(bytes.subarray(0, bytes.length - cut)));
}

const isText = (bytes: Buffer): boolean => !bytes.includes(0) && isUtf8(bytes);
