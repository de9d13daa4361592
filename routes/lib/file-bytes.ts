import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';

const BLOCK_BYTES = 256 * 1024;

/** Size of a regular file; null when there is none of that name. Links are not followed. */
export async function fileSize(path: string): Promise<number | null> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? stats.size : null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** The bytes of a file from `start` up to and without `end`. */
export function readFileBytes(path: string, start: number, end: number): AsyncIterable<Buffer> {
  // createReadStream cannot name an empty range: its `end` is the last byte to read.
  if (start >= end) return nothing();
  return createReadStream(path, { start, end: end - 1, highWaterMark: BLOCK_BYTES });
}

async function* nothing(): AsyncGenerator<Buffer> {}
