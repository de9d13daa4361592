import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '../../src/platform/error-words.ts';

const BLOCK_BYTES = 256 * 1024;

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
    read: (start, end, holds) => blocks(file, start, end, holds),
  };
}

/** The next block is read while the one before is on its way: two take turns. Ends early where the file does. */
async function* blocks(
  file: FileHandle,
  start: number,
  end: number,
  holds?: () => Promise<boolean>,
): AsyncGenerator<Buffer> {
  const memory = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(0, end - start))));
  const read = (turn: number, position: number): Promise<Buffer> => {
    const reading = readAt(file, position, (memory[turn % 2] as Buffer).subarray(0, end - position));
    reading.catch(() => {}); // told when it is its turn, or to nobody
    return reading;
  };
  let next = start < end ? read(0, start) : null;
  for (let [at, turn] = [start, 1]; next !== null; turn++) {
    const block = await next;
    at += block.length;
    next = block.length > 0 && at < end ? read(turn, at) : null;
    if (next === null && holds && !(await holds())) throw new Error('the file was changed while it was sent');
    if (block.length > 0) yield block;
  }
}

async function readAt(file: FileHandle, position: number, memory: Buffer): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read({ buffer: memory, position });
  return buffer.subarray(0, bytesRead);
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
