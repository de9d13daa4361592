import { type BigIntStats, fstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type BytePath, toBuffer } from '../platform/byte-path.ts';
import { isInside } from '../platform/inside.ts';

/** Why something of it is left out or refused, in words for clients. */
export const PRIVATE = 'holds the data of the server';

/** Where each private file and directory is, by its identity. */
export type Identities = ReadonlyMap<string, string>;

/** Of a file or directory, whatever its names are. */
export function identityOf({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

export interface Seen {
  /** Real paths of directories in which all is private. */
  roots: readonly BytePath[];
  /** The one directory under them that is not. Null: there is none. */
  scratch: BytePath | null;
  identities: Identities;
  /** Real paths of private files elsewhere. */
  files: readonly BytePath[];
}

/** What is private to the server, as one run sees it at one time. See private-places.ts. */
export class PrivateView {
  readonly #seen: Seen;

  constructor(seen: Seen) {
    this.#seen = seen;
  }

  /** Is what exists at `path` (real) private: by where it is, or by what it or a directory around it is. */
  holds(path: BytePath): boolean {
    if (this.#isUnder(path)) return true;
    for (let at: string = path; at !== this.#seen.scratch; at = dirname(at)) {
      const stats = statSync(toBuffer(at as BytePath), { throwIfNoEntry: false });
      if (stats && this.holdsFile(stats, at as BytePath)) return true;
      if (at === dirname(at)) break;
    }
    return false;
  }

  /** The same of what is open, on a way down whose directories have been asked about: no call of the file system. */
  holdsOpen(path: BytePath, stats: Stats, descriptor: number): boolean {
    return this.#isUnder(path) || this.holdsFile(stats, descriptor);
  }

  /** Is it one of the private files and directories themselves, under whatever name. `where`: a path or an open file. */
  holdsFile(stats: Stats, where: BytePath | number): boolean {
    const path = this.#seen.identities.get(identityOf(stats));
    return path !== undefined && isSame(where, path);
  }

  /** Does a directory (real path) hold something private, or is it private. */
  overlaps(path: BytePath): boolean {
    if (this.isScratch(path)) return false;
    const { roots, files } = this.#seen;
    if ([...roots, ...files].some((own) => isInside(path, own)) || this.holds(path)) return true;
    const stats = statSync(toBuffer(path), { throwIfNoEntry: false });
    return stats !== undefined && roots.some((root) => isAround(stats, path, root));
  }

  /** Is a directory in the run's own scratch directory, and nothing private is mounted in it. */
  isScratch(path: BytePath): boolean {
    const { scratch, roots } = this.#seen;
    if (scratch === null || !isInside(scratch, path) || this.holds(path)) return false;
    return !roots.some((root) => isInside(path, root));
  }

  #isUnder(path: BytePath): boolean {
    const { roots, scratch } = this.#seen;
    const within = roots.filter((root) => isInside(root, path));
    if (scratch === null || !isInside(scratch, path)) return within.length > 0;
    return within.some((root) => root !== scratch && isInside(scratch, root));
  }
}

/** Is the directory of these facts one of those around `place`, by another path. */
function isAround(stats: Stats, path: BytePath, place: BytePath): boolean {
  for (let at: string = place; at !== dirname(at); ) {
    at = dirname(at);
    const around = statSync(toBuffer(at as BytePath), { throwIfNoEntry: false });
    if (around && identityOf(around) === identityOf(stats) && isSame(path, at)) return true;
  }
  return false;
}

/** Numbers of files may be larger than a double can tell apart. */
function isSame(where: BytePath | number, path: string): boolean {
  const facts = (of: string | Buffer): BigIntStats | undefined =>
    statSync(of, { bigint: true, throwIfNoEntry: false });
  const one = typeof where === 'number' ? fstatSync(where, { bigint: true }) : facts(toBuffer(where));
  const other = facts(path);
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}
