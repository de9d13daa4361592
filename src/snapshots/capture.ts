import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { reasonOf } from '../artifacts/open-inside.ts';
import type { Contents } from '../contents/contents.ts';
import { Keeping, type KeptFile } from '../contents/keep-file.ts';
import { PRIVATE, PrivateView } from '../disk/private-view.ts';
import { type ScanOf, type Step, walk } from '../files/walk.ts';
import { Choice } from './choice.ts';
import type { Captured, CaptureJob } from './jobs.ts';
import { type Listed, lineOf } from './list.ts';
import { Omissions } from './omissions.ts';

const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const MOST_TRIES = 3;

export function capture(contents: Contents, job: CaptureJob, goOn: () => void): Captured {
  const view = new PrivateView(job.seen);
  const isPrivate: ScanOf['isPrivate'] = (stats, fd) => view.holdsFile(stats, fd);
  const choice = new Choice(job.keep, job.ignore);
  const omissions = new Omissions();
  const keeping = new Keeping(contents, goOn);
  const lines: string[] = [];
  let pending: Listed[] = [];
  let [files, bytes] = [0, 0];
  const take = (listed: Listed): void => {
    for (const directory of pending)
      if (listed.path.startsWith(`${directory.path}/`)) lines.push(lineOf(directory));
    pending = [];
    lines.push(lineOf(listed));
  };
  for (const step of walk({ root: job.root, isPrivate }, { asOwner: true })) {
    goOn();
    const chosen = choice.of(step.path, step.type === 'directory');
    if (chosen === 'left') {
      step.into = false;
      continue;
    }
    const reason = reasonAgainst(step);
    if (reason !== null) {
      step.into = false;
      omissions.add(step.path, reason);
      continue;
    }
    const { path, type, stats, place } = step;
    if (type === 'directory') {
      const listed: Listed = { path, type, mode: stats.mode & 0o777 };
      if (chosen === 'taken') take(listed);
      else pending = [...pending.filter((above) => path.startsWith(`${above.path}/`)), listed];
      continue;
    }
    try {
      if (type === 'link') take({ path, type, target: readlinkSync(place, 'utf8') });
      else {
        const kept = keepFile(keeping, place, isPrivate);
        if (typeof kept === 'string') omissions.add(path, kept);
        else {
          take({ path, type: 'file', mode: kept.mode, size: kept.size, sha256: kept.sha256 });
          files++;
          bytes += kept.size;
        }
      }
    } catch (error) {
      omissions.add(path, reasonOf(error));
    }
  }
  const list = keeping.keepBytes(Buffer.from(lines.join('')));
  contents.sync();
  return { digest: list.sha256, files, bytes, omitted: omissions.all() };
}

function reasonAgainst({ type, isUtf8, shut }: Step): string | null {
  if (!isUtf8) return 'its name is not UTF-8';
  if (shut === 'private') return PRIVATE;
  if (shut === 'deep') return 'too many directories around it';
  if (shut !== null) return reasonOf(shut);
  if (type === 'fifo') return 'a FIFO';
  if (type === 'socket') return 'a socket';
  return type === 'device' ? 'a device' : null;
}

function keepFile(
  keeping: Keeping,
  place: string | Buffer,
  isPrivate: ScanOf['isPrivate'],
): (KeptFile & { mode: number }) | string {
  const fd = openSync(place, FILE);
  try {
    let before = fstatSync(fd);
    if (!before.isFile()) return 'not a regular file';
    if (isPrivate(before, fd)) return PRIVATE;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const kept = keeping.keep(fd, before.size);
      const after = fstatSync(fd);
      if (
        after.ctimeMs === before.ctimeMs &&
        after.mtimeMs === before.mtimeMs &&
        after.size === before.size &&
        kept.size === before.size
      )
        return { ...kept, mode: before.mode & 0o777 };
      before = after;
    }
    return 'it went on changing while it was read';
  } finally {
    closeSync(fd);
  }
}
