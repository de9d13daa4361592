import { isUtf8 } from 'node:buffer';
import { type Blob, bytesOf, type Contents, sizeOf } from './contents.ts';
import { lineThread } from './line-thread.ts';
import type { Part } from './parts.ts';
import type { TextDiff } from './text-diff.ts';

/** What is larger is not compared by lines. */
const MAX_TEXT_BYTES = 1024 * 1024;
/** So much of something larger is looked at to say whether it is text. */
const BEGINNING_BYTES = 8 * 1024;

/** Its content would have to be compared, and is too large for that. */
export const isLarge = ({ old, new: now, sameContent }: Part): boolean =>
  !sameContent && Math.max(sizeOf(old), sizeOf(now)) > MAX_TEXT_BYTES;

/** By lines. Null: one of them is no text. Not for what is large, or has the same content. */
export async function compareTexts(contents: Contents, part: Part, hunks: boolean): Promise<TextDiff | null> {
  const [old, now] = [await bytesOf(contents, part.old), await bytesOf(contents, part.new)];
  if (!isText(old) || !isText(now)) return null;
  return lineThread.compare({ old: part.old && old, new: part.new && now, hunks });
}

/** As far as its beginning tells. */
export async function beginsAsBinary(contents: Contents, blob: Blob): Promise<boolean> {
  const bytes = await bytesOf(contents, blob, BEGINNING_BYTES);
  if (bytes.length === sizeOf(blob)) return !isText(bytes);
  // The last character may have been cut.
  return ![0, 1, 2, 3].some((cut) => isText(bytes.subarray(0, bytes.length - cut)));
}

const isText = (bytes: Uint8Array): boolean => !bytes.includes(0) && isUtf8(bytes);
