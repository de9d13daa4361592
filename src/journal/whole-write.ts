import { ftruncateSync, truncateSync, writeSync } from 'node:fs';

/** Append all or nothing: what a full disk took of the bytes is cut off again, at `size`. Throws what the write throws. */
export function writeAll(fd: number, bytes: Buffer, size: number): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
  } catch (error) {
    cut(fd, size);
    throw error;
  }
}

/** What could not be cut off is behind what the facts tell of, and shown to nobody. */
export function cut(file: number | string, size: number): void {
  try {
    if (typeof file === 'number') ftruncateSync(file, size);
    else truncateSync(file, size);
  } catch {
    // the error that is told is the one of the write
  }
}
