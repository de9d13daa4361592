import { read as readLater, readSync } from 'node:fs';
import { promisify } from 'node:util';

const readAt = promisify(readLater);

/** Files up to this are read at once, between others; larger ones by the thread pool. */
export const SMALL_BYTES = 64 * 1024;
const BLOCK_BYTES = 256 * 1024;

/**
 * The bytes of an open file from `start` up to and without `end`; ends early where the file does. The next block is read while the one
 * before is on its way, and two blocks of memory take turns: a buffer is good until the next is asked for. (New memory for
 * each makes V8 mark its whole heap again and again.) Given `holds`, the last of them come only when it says that the
 * file is what it was, and else an error: nobody takes them for whole. Nothing is read any more once it has ended.
 */
export async function* blocksBetween(
  fd: number,
  start: number,
  end: number,
  holds?: () => boolean | Promise<boolean>,
): AsyncGenerator<Buffer> {
  const memory = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(0, end - start))));
  const read = (turn: number, position: number): Promise<Buffer> => {
    const room = (memory[turn % 2] as Buffer).subarray(0, end - position);
    const reading = readAt(fd, room, 0, room.length, position).then(({ bytesRead }) =>
      room.subarray(0, bytesRead),
    );
    reading.catch(() => {}); // told when it is its turn, or to nobody
    return reading;
  };
  let next = start < end ? read(0, start) : null;
  try {
    for (let [at, turn] = [start, 1]; next !== null; turn++) {
      const block: Buffer = await next;
      at += block.length;
      next = block.length > 0 && at < end ? read(turn, at) : null;
      if (next === null && holds && !(await holds()))
        throw new Error('the file was changed while it was sent');
      if (block.length > 0) yield block;
    }
  } finally {
    await next?.catch(() => {});
  }
}

/** So many bytes of a file, as it was long, in the same way. Throws Error where it is shorter by now. */
export async function* blocksOf(fd: number, size: number): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const block of blocksBetween(fd, 0, size)) {
    length += block.length;
    yield block;
  }
  if (length < size) throw shorter();
}

/** Fills the room from the beginning of a file. Returns its bytes. Throws Error where the file is shorter by now. */
export function readNow(fd: number, room: Buffer): number {
  for (let at = 0; at < room.length; ) {
    const bytes = readSync(fd, room, at, room.length - at, at);
    if (bytes === 0) throw shorter();
    at += bytes;
  }
  return room.length;
}

/** Buffers that stay as they are, for who keeps more than one. */
export async function* kept(buffers: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const buffer of buffers) yield Buffer.from(buffer);
}

const shorter = (): Error => new Error('a file got shorter while it was read');
