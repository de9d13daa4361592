import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const BLOCK_BYTES = 256 * 1024;

/** A regular file that stays readable whatever becomes of its name. */
export interface FileBytes {
  /** When it was opened. */
  size: number;
  /** The bytes from `start` up to and without `end`. */
  read(start: number, end: number): AsyncIterable<Buffer>;
}

/** Null when there is no regular file of that name. Links are not followed, and a pipe is not waited for. */
export async function withFileBytes<T>(
  path: string,
  use: (bytes: FileBytes | null) => Promise<T>,
): Promise<T> {
  const file = await openHere(path);
  try {
    return await use(file && (await bytesOf(file)));
  } finally {
    await file?.close();
  }
}

async function bytesOf(file: FileHandle): Promise<FileBytes | null> {
  const stats = await file.stat();
  if (!stats.isFile()) return null;
  return {
    size: stats.size,
    read(start, end) {
      // A read stream cannot name an empty range: its `end` is the last byte to read.
      if (start >= end) return nothing();
      return file.createReadStream({ start, end: end - 1, highWaterMark: BLOCK_BYTES, autoClose: false });
    },
  };
}

async function openHere(path: string): Promise<FileHandle | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'ELOOP') return null;
    throw error;
  }
}

export async function* nothing(): AsyncGenerator<Buffer> {}
