import { closeSync } from 'node:fs';
import { RunwireError } from '../documents/errors.ts';
import { blocksOf as blocksOfFile } from '../files/blocks.ts';
import type { Listed } from '../snapshots/list.ts';

/** Where lists and contents are. */
export interface Contents {
  listed(digest: string): AsyncGenerator<Listed>;
  /** Descriptor of a content, open for reading; the caller closes it. Null: it is not there. */
  content(sha256: string): number | null;
}

/** What git knows as a blob: a file, or the text of a link. */
export type Blob = Extract<Listed, { type: 'file' | 'link' }>;

export const sizeOf = (blob: Blob | null): number =>
  blob === null ? 0 : blob.type === 'link' ? Buffer.byteLength(blob.target) : blob.size;

/** Bytes of a blob, its first ones with `most`; of none there are no bytes. A buffer is good until the next is asked for. */
export async function* blocksOf(
  contents: Contents,
  blob: Blob | null,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  if (blob === null) return;
  if (blob.type === 'link') return yield Buffer.from(blob.target).subarray(0, most);
  const fd = contents.content(blob.sha256);
  if (fd === null) throw new RunwireError('gone', `the content of ${blob.path} is no longer kept`);
  try {
    yield* blocksOfFile(fd, Math.min(blob.size, most));
  } finally {
    closeSync(fd);
  }
}

/** In memory of their own, that can be given to a thread. */
export async function bytesOf(
  contents: Contents,
  blob: Blob | null,
  most = Number.POSITIVE_INFINITY,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.min(sizeOf(blob), most));
  let at = 0;
  for await (const block of blocksOf(contents, blob, most)) {
    bytes.set(block, at);
    at += block.length;
  }
  return bytes;
}
