import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { HAS_PROC } from '../artifacts/open-inside.ts';
import { codeOf } from '../platform/error-words.ts';
import { enterDirectory, leaveDirectory } from '../platform/thread-directory.ts';

export const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Of Linux: it asks for no permission, and opens nothing. */
const PLACE = 0o10000000 | constants.O_NOFOLLOW;
/** Deeper trees are not gone into: each level is an open directory. */
const MAX_DEPTH = 256;
/** UTF-16 orders what is beyond these otherwise than the bytes of UTF-8 do; U+FFFD may stand for bytes that are no UTF-8. */
const isRoot = process.geteuid?.() === 0;
const PLAIN = /^[^\ud800-\uffff]*$/;

export type EntryType = 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';

/** Where to look, and what is never shown. */
export interface ScanOf {
  /** Absolute. A link there is not followed. */
  root: string;
  /** Is what is open there a private file of the server. */
  isPrivate: (stats: Stats, descriptor: number) => boolean;
}

/** A directory that is not there, or is none. */
export class NoDirectory extends Error {}

/** Something in a tree, while the walk stands at it. */
export interface Step {
  /** Relative, with slashes. What is not UTF-8 in it is U+FFFD. */
  path: string;
  isUtf8: boolean;
  type: EntryType;
  stats: Stats;
  /** Names it below its open directory, until the walk goes on. */
  place: string | Buffer;
  /** A directory around it has other permissions than it is told to have, until the walk is out of it. */
  asOwner: boolean;
  /** Of a directory: whether the walk goes into it. May be made false. */
  into: boolean;
  /** Of a directory that is not gone into: why. */
  shut: 'private' | 'deep' | Error | null;
}

export interface Ways {
  /** Begin behind this path. */
  after?: string | null;
  /** Open directories that their owner may not read, and give them their permissions back behind it. */
  asOwner?: boolean;
  /** The names in a directory below the root that is in this state. Null: they are read. */
  names?: (path: string, stats: Stats) => string[] | null;
  /** They were read after that, all of them plain. */
  learnt?: (path: string, stats: Stats, names: readonly string[]) => void;
}

interface OpenDirectory {
  fd: number;
  /** Permissions that it gets back. */
  mode: number | null;
  path: string;
  names: string[];
  /** The same names, where not all of them are plain. */
  bytes: Buffer[] | null;
  at: number;
  onWay: boolean;
}

/**
 * Everything in a tree, a directory before what is in it, names in order of their bytes. Every part is opened below the
 * one before and no link is followed; what is neither file nor directory is told and never opened. Throws NoDirectory.
 */
export function* walk({ root, isPrivate }: ScanOf, ways: Ways = {}): Generator<Step> {
  const { after = null, asOwner: owner = false } = ways;
  const from = after === null ? [] : after.split('/');
  const open: OpenDirectory[] = [];
  const enter = ({ fd, mode }: Opened, path: string, onWay: boolean, stats?: Stats): void => {
    // In any case: it is closed with the others.
    const directory: OpenDirectory = { fd, mode, path, onWay, names: [], bytes: null, at: 0 };
    open.push(directory);
    const known = (stats && ways.names?.(path, stats)) ?? null;
    Object.assign(directory, known === null ? namesIn(fd) : { names: known });
    if (stats && known === null && directory.bytes === null) ways.learnt?.(path, stats, directory.names);
  };
  try {
    enter(openRoot(root, owner), '', from.length > 0);
    for (let directory = open.at(-1); directory; directory = open.at(-1)) {
      const at = directory.at++;
      const name = directory.names[at];
      if (name === undefined) {
        open.pop();
        shut(directory);
        continue;
      }
      const bytes = directory.bytes?.[at];
      const order = directory.onWay ? orderOf(name, bytes, from[open.length - 1] ?? '') : 1;
      if (order < 0) continue;
      if (order > 0) directory.onWay = false;
      const isLast = order === 0 && open.length === from.length;
      const place = placeOf(directory.fd, bytes ?? name);
      const near = enterDirectory(directory.fd) ? (bytes ?? name) : place;
      const stats = statsOf(near);
      if (stats === null) continue;
      const path = directory.path === '' ? name : `${directory.path}/${name}`;
      const isUtf8 = bytes === undefined || bytes.equals(Buffer.from(name));
      const asOwner = open.some(({ mode }) => mode !== null);
      const step: Step = {
        path,
        isUtf8,
        type: typeOf(stats),
        stats,
        place,
        asOwner,
        into: false,
        shut: null,
      };
      if (step.type !== 'directory') {
        if (order !== 0) yield step;
        continue;
      }
      const found = open.length > MAX_DEPTH ? 'deep' : openBelow(near, stats, owner, isPrivate);
      if (typeof found === 'string' || found instanceof Error) {
        step.shut = found;
        if (order !== 0) yield step;
        continue;
      }
      step.into = true;
      let wanted = order === 0;
      try {
        if (order !== 0) yield step;
        wanted = step.into;
      } finally {
        if (!wanted) shut(found);
      }
      if (wanted) enter(found, path, order === 0 && !isLast, found.stats);
    }
  } finally {
    for (const directory of open.reverse()) shut(directory);
  }
}

/** A directory, open, and the permissions that it gets back when it is closed. */
export interface Opened {
  fd: number;
  mode: number | null;
}

export function shut({ fd, mode }: Opened): void {
  leaveDirectory(fd);
  try {
    if (mode !== null) fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

/** Throws NoDirectory. */
export function openRoot(root: string, asOwner = false): Opened {
  if (!HAS_PROC) throw new NoDirectory('this system does not tell what is below an open directory');
  let found: Opened;
  try {
    found = openDirectory(root, asOwner);
  } catch (error) {
    if (!isAbsence(error)) throw error;
    throw new NoDirectory(`there is no directory ${root}`);
  }
  // The directories around it are the server's, but a program of the same user may have put a link in their place.
  if (readlinkSync(placeOf(found.fd)) === realpathSync(root)) return found;
  shut(found);
  throw new NoDirectory(`${root} is another directory by now`);
}

function openBelow(
  place: string | Buffer,
  stats: Stats,
  asOwner: boolean,
  isPrivate: ScanOf['isPrivate'],
): (Opened & { stats: Stats }) | 'private' | Error {
  try {
    const found = openDirectory(place, asOwner && (stats.mode & 0o500) !== 0o500);
    const opened = fstatSync(found.fd);
    if (!isPrivate(opened, found.fd)) return { ...found, stats: opened };
    shut(found);
    return 'private';
  } catch (error) {
    if (isAbsence(error)) return error as Error;
    throw error;
  }
}

/** `asOwner`: whatever its permissions are, where the owner may give himself more. */
export function openDirectory(place: string | Buffer, asOwner: boolean): Opened {
  if (!asOwner || isRoot) return { fd: openSync(place, DIRECTORY), mode: null };
  const held = openSync(place, PLACE | constants.O_DIRECTORY);
  try {
    const mode = fstatSync(held).mode & 0o7777;
    if ((mode & 0o700) === 0o700) return { fd: openSync(placeOf(held, '.'), DIRECTORY), mode: null };
    chmodSync(placeOf(held), mode | 0o700);
    return { fd: openSync(placeOf(held, '.'), DIRECTORY), mode };
  } finally {
    closeSync(held);
  }
}

/** Permissions of what is there, and of nothing that a link there leads to. `isRight`: what it has to be. */
export function setMode(place: string, mode: number, isRight: (stats: Stats) => boolean): boolean {
  const held = openSync(place, PLACE);
  try {
    if (!isRight(fstatSync(held))) return false;
    chmodSync(placeOf(held), mode);
    return true;
  } finally {
    closeSync(held);
  }
}

/** In order of their bytes. `bytes`: null where the names are plain. */
export function namesIn(fd: number): { names: string[]; bytes: Buffer[] | null } {
  const place = enterDirectory(fd) ? '.' : placeOf(fd);
  const names = readdirSync(place);
  if (names.every((name) => PLAIN.test(name))) return { names: names.sort(), bytes: null };
  const bytes = readdirSync(Buffer.from(place), { encoding: 'buffer' }).sort(Buffer.compare);
  return { names: bytes.map((name) => name.toString('utf8')), bytes };
}

function orderOf(name: string, bytes: Buffer | undefined, start: string): number {
  return Buffer.compare(bytes ?? Buffer.from(name), Buffer.from(start));
}

/** Null: it has just gone. */
export function statsOf(place: string | Buffer): Stats | null {
  try {
    return lstatSync(place);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

export function typeOf(stats: Stats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'device';
}

/** It is not there, or something else is, or it is nobody's business. */
export function isAbsence(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENXIO', 'ENAMETOOLONG'].includes(code);
}

/** What is below an open directory, or the directory itself. */
export function placeOf(fd: number): string;
export function placeOf(fd: number, name: string | Buffer): string | Buffer;
export function placeOf(fd: number, name?: string | Buffer): string | Buffer {
  if (name === undefined) return `/proc/self/fd/${fd}`;
  if (typeof name === 'string') return `/proc/self/fd/${fd}/${name}`;
  return Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
}
