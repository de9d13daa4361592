import { createHash } from 'node:crypto';
import { editsOf } from './edits.ts';
import { hunksOf } from './hunks.ts';
import { linesOf } from './lines.ts';

/** Two texts, null where there is none. */
export interface TextPair {
  old: Uint8Array<ArrayBuffer> | null;
  new: Uint8Array<ArrayBuffer> | null;
  /** Whether the hunks are wanted. */
  hunks: boolean;
}

export interface TextDiff {
  added: number;
  removed: number;
  /** Their names as blobs of git. */
  ids: { old: string; new: string };
  /** As in a unified diff; empty where they were not wanted. */
  hunks: Uint8Array<ArrayBuffer>;
}

/** How two texts differ by lines. It may take some hundred ms: for a thread. */
export function textDiff({ old, new: now, hunks }: TextPair): TextDiff {
  const [olds, news] = [linesOf(old ?? new Uint8Array()), linesOf(now ?? new Uint8Array())];
  const edits = editsOf(olds, news);
  return {
    added: edits.reduce((sum, { newStart, newEnd }) => sum + newEnd - newStart, 0),
    removed: edits.reduce((sum, { oldStart, oldEnd }) => sum + oldEnd - oldStart, 0),
    ids: { old: blobId(old), new: blobId(now) },
    hunks: joined(hunks ? [...hunksOf(olds, news, edits)] : []),
  };
}

/** Memory of its own, that can be given to another thread. */
function joined(pieces: Buffer[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function blobId(bytes: Uint8Array | null): string {
  if (bytes === null) return NO_BLOB;
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

/** What git has in place of the name of a blob that is not there. */
export const NO_BLOB = '0'.repeat(40);
