import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { HAS_PROC } from '../artifacts/open-inside.ts';
import { codeOf } from '../platform/error-words.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** After so long others have their turn. */
const TURN_MS = 5;
/** Deeper trees are not gone into: each level is an open directory. */
const MAX_DEPTH = 256;

export type EntryType = 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';

/** Something in a tree. A name that is not UTF-8 has U+FFFD in `path`. */
export interface Entry {
  /** Relative, with slashes. */
  path: string;
  type: EntryType;
  stats: Stats;
  /** Of a link: its text. */
  target?: string;
  /** Of a file, hex, where it is known without reading it. */
  sha256?: string;
  /** Opens a file, and no other one that has come in its place; null where it is gone. The caller closes it. */
  open(): number | null;
}

/** Where to look, and what is never shown. */
export interface ScanOf {
  /** Absolute. A link there is not followed. */
  root: string;
  /** Is what is open there a private file of the server. */
  isPrivate: (stats: Stats, descriptor: number) => boolean;
}

/** A directory that is not there, or is none. */
export class NoDirectory extends Error {}

/**
 * Everything in a tree, a directory before what is in it, names in order of their bytes. Every part is opened below the one
 * before and no link is followed; what is neither file nor directory is told and never opened. `after`: begin behind
 * this path. Throws NoDirectory.
 */
export async function* scan({ root, isPrivate }: ScanOf, after: string | null = null): AsyncGenerator<Entry> {
  const from = after === null ? [] : after.split('/');
  const open: { fd: number; path: string; names: Buffer[]; at: number; onWay: boolean }[] = [];
  const enter = (fd: number, path: string, onWay: boolean): void => {
    const names = readdirSync(below(fd), { encoding: 'buffer' }).sort(Buffer.compare);
    open.push({ fd, path, names, at: 0, onWay });
  };
  let since = performance.now();
  enter(openRoot(root), '', from.length > 0);
  try {
    for (let directory = open.at(-1); directory; directory = open.at(-1)) {
      const name = directory.names[directory.at++];
      if (name === undefined) {
        closeSync(directory.fd);
        open.pop();
        continue;
      }
      if (performance.now() - since > TURN_MS) {
        await turn();
        since = performance.now();
      }
      const start = directory.onWay ? Buffer.from(from[open.length - 1] ?? '') : null;
      const order = start === null ? 1 : Buffer.compare(name, start);
      if (order < 0) continue;
      if (order > 0) directory.onWay = false;
      const isLast = order === 0 && open.length === from.length;
      const place = Buffer.concat([below(directory.fd), Buffer.from('/'), name]);
      const entry = entryAt(place, join(directory.path, name.toString('utf8')), isPrivate);
      if (entry === null) continue;
      if (order !== 0) yield entry;
      if (entry.type !== 'directory' || open.length > MAX_DEPTH) continue;
      const fd = openOrNull(place, DIRECTORY);
      if (fd !== null && !isPrivate(fstatSync(fd), fd)) enter(fd, entry.path, order === 0 && !isLast);
      else if (fd !== null) closeSync(fd);
    }
  } finally {
    for (const { fd } of open) closeSync(fd);
  }
}

/** One entry of a tree. Null: there is none. `parts` is a path that was checked. */
export function find(
  { root, isPrivate }: ScanOf,
  parts: readonly string[],
): { entry: Entry; close(): void } | null {
  const opened = [openRoot(root)];
  const close = (): void => {
    for (const fd of opened) closeSync(fd);
  };
  for (const part of parts.slice(0, -1)) {
    const fd = openOrNull(Buffer.concat([below(opened.at(-1) ?? -1), Buffer.from(`/${part}`)]), DIRECTORY);
    if (fd === null || isPrivate(fstatSync(fd), fd)) {
      close();
      if (fd !== null) closeSync(fd);
      return null;
    }
    opened.push(fd);
  }
  const place = Buffer.concat([below(opened.at(-1) ?? -1), Buffer.from(`/${parts.at(-1)}`)]);
  const entry = entryAt(place, parts.join('/'), isPrivate);
  if (entry === null) close();
  return entry && { entry, close };
}

/** The directory itself, open. Throws NoDirectory where another is in its place. */
export function openRoot(root: string): number {
  if (!HAS_PROC) throw new NoDirectory('this system does not tell what is below an open directory');
  const fd = openOrNull(Buffer.from(root), DIRECTORY);
  if (fd === null) throw new NoDirectory(`there is no directory ${root}`);
  // The directories around it are the server's, but a program of the same user may have put a link in their place.
  if (readlinkSync(below(fd)) === realpathSync(root)) return fd;
  closeSync(fd);
  throw new NoDirectory(`${root} is another directory by now`);
}

function entryAt(place: Buffer, path: string, isPrivate: ScanOf['isPrivate']): Entry | null {
  let stats: Stats;
  try {
    stats = lstatSync(place);
  } catch {
    return null; // it has just gone
  }
  const type = typeOf(stats);
  const open = (): number | null => {
    const fd = openOrNull(place, FILE);
    if (fd === null) return null;
    const { dev, ino } = fstatSync(fd);
    if (dev === stats.dev && ino === stats.ino && !isPrivate(stats, fd)) return fd;
    closeSync(fd);
    return null;
  };
  if (type !== 'link') return { path, type, stats, open };
  try {
    return { path, type, stats, open: () => null, target: readlinkSync(place, 'utf8') };
  } catch {
    return null;
  }
}

function typeOf(stats: Stats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}

function openOrNull(path: Buffer, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENXIO', 'ENAMETOOLONG'].includes(code))
      return null;
    throw error;
  }
}

const below = (fd: number): Buffer => Buffer.from(`/proc/self/fd/${fd}`);
const join = (path: string, name: string): string => (path === '' ? name : `${path}/${name}`);
