import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '../platform/error-words.ts';
import { blocksBetween } from './blocks.ts';

/** A regular file that stays readable whatever becomes of its name. */
export interface FileBytes {
  file: FileHandle;
  /** When it was opened. */
  size: number;
  /**
   * The bytes from `start` up to and without `end`. A buffer is good until the next is asked for. Given `holds`, the last
   * of them come only when it says that the file is what it was, and else an error: nobody takes them for whole.
   */
  read(start: number, end: number, holds?: () => Promise<boolean>): AsyncIterable<Buffer>;
}

/** Null when there is no regular file of that name, or `refuses` it. Links are not followed, and a pipe is not waited for. */
export async function withFileBytes<T>(
  path: string,
  use: (bytes: FileBytes | null) => Promise<T>,
  refuses: (stats: Stats, descriptor: number) => boolean = () => false,
): Promise<T> {
  const file = await openHere(path);
  try {
    return await use(file && (await bytesOf(file, refuses)));
  } finally {
    await file?.close();
  }
}

async function bytesOf(
  file: FileHandle,
  refuses: (stats: Stats, descriptor: number) => boolean,
): Promise<FileBytes | null> {
  const stats = await file.stat();
  if (!stats.isFile() || refuses(stats, file.fd)) return null;
  return {
    file,
    size: stats.size,
    read: (start, end, holds) => blocksBetween(file.fd, start, end, holds),
  };
}

async function openHere(path: string): Promise<FileHandle | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENXIO') return null;
    throw error;
  }
}
