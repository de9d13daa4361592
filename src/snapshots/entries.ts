import type { Contents } from '../contents/contents.ts';
import { RunwireError } from '../documents/errors.ts';
import type { Entry } from '../files/scan.ts';
import type { Listed } from './list.ts';

const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120777;

/**
 * Something in a list, as if it were in a directory. `time`: of all of it, since a list has none. What a list has is there: to open a
 * file throws RunwireError gone where its bytes are not, or not whole, so that nobody takes the rest for all there is.
 */
export function entryOf(contents: Contents, listed: Listed, time: Date): Entry {
  const { path, type } = listed;
  const stats = (mode: number, size: number) => ({ mode, size, mtime: time, mtimeMs: time.getTime() });
  const closed = (): null => null;
  if (type === 'directory') return { path, type, stats: stats(S_IFDIR | listed.mode, 0), open: closed };
  if (type === 'link')
    return {
      ...{ path, type, target: listed.target, open: closed },
      stats: stats(S_IFLNK, Buffer.byteLength(listed.target)),
    };
  const { sha256, size } = listed;
  const open = (): number => {
    const fd = contents.openWhole(sha256, size);
    if (fd !== null) return fd;
    throw new RunwireError(
      'gone',
      `The bytes of ${JSON.stringify(path)} are not there any more, or not whole.`,
    );
  };
  return { path, type, sha256, open, stats: stats(S_IFREG | listed.mode, size) };
}
