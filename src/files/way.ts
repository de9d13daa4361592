import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  fsync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
} from 'node:fs';
import { codeOf } from '../platform/error-words.ts';
import { BadName } from './names.ts';
import { openRoot, type ScanOf } from './walk.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Deeper trees are not gone into by who reads them. */
const MAX_DEPTH = 256;

/** Something that is there is in the way of a change. */
export class InTheWay extends Error {
  readonly path: string;
  readonly why: string;

  constructor(path: string, why: string) {
    super(`${JSON.stringify(path.slice(0, 200))} ${why}`);
    this.name = 'InTheWay';
    this.path = path;
    this.why = why;
  }
}

/** A directory of a living tree, open: what has its name meanwhile does not matter. */
export class OpenDirectory {
  readonly fd: number;
  /** In the tree; empty: its root. */
  readonly path: string;

  constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
  }

  /** By which something in it is reached; only its last part is looked up. */
  at(name: string | Buffer): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.fd}/`), Buffer.from(name)]);
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}/${name}`;
  }

  /** What has this name. Null: nothing. */
  stats(name: string): BigIntStats | null {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false }) ?? null;
  }

  /**
   * A directory in it, open, made where it is not there and `make` says so. Null: it is not there. Throws InTheWay for
   * what is none, a link too.
   */
  enter(name: string, isPrivate: ScanOf['isPrivate'], make: boolean): OpenDirectory | null {
    const path = this.pathOf(name);
    for (let tries = 0; ; tries++)
      try {
        const fd = openSync(this.at(name), DIRECTORY);
        if (!isPrivate(fstatSync(fd), fd)) return new OpenDirectory(fd, path);
        closeSync(fd);
        throw new InTheWay(path, 'holds the data of the server');
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw inTheWay(error, path);
        if (!make) return null;
        if (tries > 2) throw new InTheWay(path, 'vanishes as often as it is made');
        makeHere(this.at(name), path);
      }
  }

  /** The same by a descriptor of its own. */
  again(): OpenDirectory {
    return new OpenDirectory(openSync(this.at('.'), DIRECTORY), this.path);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/**
 * Calls `use` with a directory of the tree, open; every part on the way is opened below the one before, and no link is
 * followed. Null: it is not there, and `make` does not say that it is to be made. Throws InTheWay, BadName, NoDirectory.
 */
export function within<T>(
  { root, isPrivate }: ScanOf,
  parts: readonly string[],
  make: boolean,
  use: (directory: OpenDirectory | null) => T,
): T {
  checkDepth(parts);
  let directory: OpenDirectory | null = new OpenDirectory(openRoot(root).fd, '');
  try {
    for (const part of parts) {
      const next: OpenDirectory | null = directory.enter(part, isPrivate, make);
      directory.close();
      directory = next;
      if (directory === null) break;
    }
    return use(directory);
  } finally {
    directory?.close();
  }
}

/** Has the disk keep a file. */
export function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => (error ? reject(error) : resolve()));
  });
}

/** Has the disk keep what was made on the way to a directory, and what has a new name in it. Throws as `within` does. */
export function syncWay(of: ScanOf, parts: readonly string[]): void {
  for (let depth = parts.length; depth >= 0; depth--)
    within(of, parts.slice(0, depth), false, (directory) => directory && fsyncSync(directory.fd));
}

/** Of a directory. Throws BadName. */
export function checkDepth(parts: readonly string[]): void {
  if (parts.length > MAX_DEPTH) throw new BadName(parts.join('/'), `is deeper than ${MAX_DEPTH} directories`);
}

function makeHere(place: Buffer, path: string): void {
  try {
    mkdirSync(place, 0o755);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw inTheWay(error, path);
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOTDIR: 'is a file or a link and no directory',
  ELOOP: 'is a file or a link and no directory',
  EISDIR: 'is a directory',
  ENOTEMPTY: 'is a directory with something in it',
  EEXIST: 'is there by now',
  ENOENT: 'is not there any more',
  EACCES: 'cannot be changed: permission denied',
  EPERM: 'cannot be changed: permission denied',
  EXDEV: 'is on another file system',
  EBUSY: 'is used by the system: something is mounted there',
  ETXTBSY: 'is used by the system',
  EMLINK: 'cannot be made: there are too many in its directory',
};

/** What the file system says of a change at `path`, as what is in its way; other errors as they are. */
export function inTheWay(error: unknown, path: string): unknown {
  const code = codeOf(error) ?? '';
  if (code === 'ENAMETOOLONG' || code === 'EINVAL' || code === 'EILSEQ')
    return new BadName(path, 'is no name that its file system takes');
  const why = WHY[code];
  return why === undefined ? error : new InTheWay(path, why);
}
