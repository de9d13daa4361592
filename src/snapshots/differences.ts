import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import type { Contents } from '../contents/contents.ts';
import { hashOf } from '../contents/keep-file.ts';
import { isAbsence, type ScanOf, type Step, walk } from '../files/walk.ts';
import type { FileClock } from './clock.ts';
import type { FileIndex, FileState } from './index-file.ts';
import type { RestoreJob } from './jobs.ts';
import { comparePaths, type Listed } from './list.ts';
import { listedIn } from './read-list.ts';

const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Something that comes into a tree, and where it is staged: what is in a directory that comes is staged in it. */
export interface Addition {
  staged: string;
  listed: Listed;
}

/** What has to be done to a tree. */
export interface Difference {
  /** Everything that has no place in it, not what is in a directory of these. */
  removals: { directory: string; name: string | Buffer }[];
  additions: Addition[];
  /** Permissions of what stays, and of directories that come. */
  modes: { path: string; mode: number; type: 'file' | 'directory' }[];
  /** Files that stay, in states that every later change can be told from. */
  known: { path: string; state: FileState; sha256: string }[];
  /** All of the list. */
  files: number;
  bytes: number;
}

export interface Compared {
  contents: Contents;
  job: RestoreJob;
  isPrivate: ScanOf['isPrivate'];
  index: FileIndex;
  clock: FileClock | null;
  goOn: () => void;
}

/** How a tree differs from a list. Throws Error where the list is not there. */
export function differences(compared: Compared): Difference {
  const { contents, job, isPrivate, goOn } = compared;
  const { root, digest, mode } = job;
  const found: Difference = { removals: [], additions: [], modes: [], known: [], files: 0, bytes: 0 };
  let coming = '';
  let staged = '';
  let next = 0;
  const add = (listed: Listed): void => {
    const { path } = listed;
    if (coming !== '' && path.startsWith(`${coming}/`)) {
      found.additions.push({ staged: staged + path.slice(coming.length), listed });
    } else {
      const name = String(next++);
      if (listed.type === 'directory') [coming, staged] = [path, name];
      found.additions.push({ staged: name, listed });
    }
    if (listed.type === 'directory') found.modes.push({ path, mode: listed.mode, type: 'directory' });
  };
  const clear = (step: Step): void => {
    step.into = false;
    if (step.shut === 'private') return;
    const slash = step.path.lastIndexOf('/');
    const name = step.isUtf8 ? step.path.slice(slash + 1) : lastPart(step.place as Buffer);
    found.removals.push({ directory: slash < 0 ? '' : step.path.slice(0, slash), name });
  };
  const fd = contents.open(digest);
  if (fd === null) throw new Error(`the list of the snapshot is not there: ${digest}`);
  try {
    const list = listedIn(fd);
    let listed = list.next().value as Listed | undefined;
    const take = (): void => {
      if (listed?.type === 'file') {
        found.files++;
        found.bytes += listed.size;
      }
      listed = list.next().value as Listed | undefined;
    };
    for (const step of walk({ root, isPrivate }, { asOwner: true })) {
      goOn();
      if (!step.isUtf8) {
        if (mode === 'exact') clear(step);
        else step.into = false;
        continue;
      }
      for (; listed !== undefined && comparePaths(listed.path, step.path) < 0; take()) add(listed);
      if (listed === undefined || listed.path !== step.path) {
        if (mode === 'exact') clear(step);
        else step.into = false;
        continue;
      }
      if (listed.type === 'directory' && step.type === 'directory') {
        if (step.shut instanceof Error) throw step.shut;
        if ((step.stats.mode & 0o7777) !== listed.mode) found.modes.push(listed);
      } else if (listed.type === 'link' && step.type === 'link') {
        if (readlinkSync(step.place, 'utf8') !== listed.target) add(listed);
      } else if (listed.type === 'file' && step.type === 'file') {
        const same = isSame(step, listed, compared, found);
        if (same === 'content') found.modes.push({ path: listed.path, mode: listed.mode, type: 'file' });
        else if (!same) add(listed);
      } else {
        clear(step);
        add(listed);
      }
      take();
    }
    for (; listed !== undefined; take()) add(listed);
  } finally {
    closeSync(fd);
  }
  return found;
}

/** `content`: but for its permissions. */
function isSame(
  { stats, place, path }: Step,
  { size, mode, sha256 }: Listed & { type: 'file' },
  compared: Compared,
  { known }: Difference,
): boolean | 'content' {
  if (stats.size !== size) return false;
  const sameMode = (stats.mode & 0o7777) === mode;
  // Another name of the same file may have other permissions in the list.
  if (!sameMode && stats.nlink > 1) return false;
  const { index } = compared;
  const at = index.find(path, stats);
  if (at >= 0 && index.hashAt(at) !== sha256) return false;
  const state = at < 0 ? read(place, sha256, compared) : stats;
  if (state === null) return false;
  if (!sameMode) return 'content'; // its state changes with them
  if (state !== UNSETTLED) known.push({ path, state, sha256 });
  return true;
}

const UNSETTLED: FileState = { ino: 0, size: 0, mtimeMs: 0, ctimeMs: 0 };

/** The state in which it has this hash, as far as that can be relied on. Null: it has not. */
function read(
  place: string | Buffer,
  sha256: string,
  { isPrivate, clock, goOn }: Compared,
): FileState | null {
  let fd: number;
  try {
    fd = openSync(place, FILE);
  } catch (error) {
    if (isAbsence(error)) return null; // whoever cannot read it can replace it
    throw error;
  }
  try {
    const before = fstatSync(fd);
    if (!before.isFile() || isPrivate(before, fd)) return null;
    const isSettled = clock?.passes(before) ?? false;
    if (hashOf(fd, goOn) !== sha256) return null;
    const { ino, size, mtimeMs, ctimeMs } = fstatSync(fd);
    return isSettled && ctimeMs === before.ctimeMs ? { ino, size, mtimeMs, ctimeMs } : UNSETTLED;
  } finally {
    closeSync(fd);
  }
}

const lastPart = (place: Buffer): Buffer => place.subarray(place.lastIndexOf('/') + 1);
