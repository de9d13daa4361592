import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { PrivateView } from '../disk/private-view.ts';
import { Below } from '../files/below.ts';
import { isAbsence, placeOf, type ScanOf, setMode, walk } from '../files/walk.ts';
import type { Amount, CopyJob } from './jobs.ts';

const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Files, directories and links of a tree, with permissions and times. */
export function copy({ root, seen, to }: CopyJob, goOn: () => void): Amount {
  const view = new PrivateView(seen);
  const isPrivate: ScanOf['isPrivate'] = (stats, fd) => view.holdsFile(stats, fd);
  mkdirSync(to, { recursive: true, mode: 0o755 });
  const below = new Below(to);
  const amount = { files: 0, bytes: 0 };
  const modes: { path: string; mode: number }[] = [];
  try {
    for (const step of walk({ root, isPrivate }, { asOwner: true })) {
      goOn();
      const { path, isUtf8, type, stats, place, shut } = step;
      if (!isUtf8 || shut !== null) {
        step.into = false;
        continue;
      }
      if (type === 'directory') {
        mkdirSync(below.place(path), 0o700);
        modes.push({ path, mode: stats.mode & 0o777 });
      } else if (type === 'link') symlinkSync(readlinkSync(place, 'utf8'), below.place(path));
      else if (type === 'file') {
        const size = copyFile(place, below.place(path), isPrivate);
        if (size === null) continue;
        amount.files++;
        amount.bytes += size;
      }
    }
    for (const { path, mode } of modes.reverse())
      setMode(below.place(path), mode, (stats) => stats.isDirectory());
  } finally {
    below.close();
  }
  return amount;
}

/** Bytes; null: it is gone, or nobody's business. */
function copyFile(from: string | Buffer, to: string, isPrivate: ScanOf['isPrivate']): number | null {
  let fd: number;
  try {
    fd = openSync(from, FILE);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || isPrivate(stats, fd)) return null;
    copyFileSync(placeOf(fd), to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const made = openSync(to, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      futimesSync(made, stats.mtime, stats.mtime);
      fchmodSync(made, stats.mode & 0o777);
      return fstatSync(made).size;
    } finally {
      closeSync(made);
    }
  } finally {
    closeSync(fd);
  }
}
