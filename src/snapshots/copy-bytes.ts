import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { write } from '../contents/keep-file.ts';
import { placeOf } from '../files/walk.ts';
import { codeOf } from '../platform/error-words.ts';

/** Up to this the bytes go through our hands: there are fewer calls. Beyond it blocks are shared where that can be. */
const SMALL_BYTES = 128 * 1024;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const block = Buffer.allocUnsafeSlow(SMALL_BYTES + 1);
const mask = process.umask();

/**
 * A new file with what is in the open one, and so many permission bits; one that was begun at the place is begun anew.
 * `finish` is given its descriptor. What it is then.
 */
export function copyBytes(
  from: number,
  size: number,
  to: string,
  mode: number,
  finish?: (fd: number) => void,
): Stats {
  const small = size <= SMALL_BYTES ? readSync(from, block, 0, size + 1, 0) : SMALL_BYTES + 1;
  if (small > size || small > SMALL_BYTES) return cloned(from, to, mode, finish);
  const fd = begun(to, () => openSync(to, NEW, mode));
  try {
    write(fd, block.subarray(0, small));
    if ((mode & mask) !== 0) fchmodSync(fd, mode);
    finish?.(fd);
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}

function cloned(from: number, to: string, mode: number, finish?: (fd: number) => void): Stats {
  begun(to, () => copyFileSync(placeOf(from), to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
  const fd = openSync(to, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    fchmodSync(fd, mode);
    finish?.(fd);
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}

function begun<Done>(to: string, begin: () => Done): Done {
  try {
    return begin();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    unlinkSync(to);
    return begin();
  }
}
