import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type BytePath, bytePath, joinBytes } from '../platform/byte-path.ts';
import { isInside } from '../platform/inside.ts';
import { mountAliases } from './mount-aliases.ts';
import { type Identities, identityOf, PrivateView, type Seen } from './private-view.ts';
import type { RunDirectory } from './run-directory.ts';

/** Whoever mounts something has more rights than the server: that it is known a little later gives nothing away. */
const MOUNTS_KNOWN_MS = 1000;
const MOST_JUDGED = 1000;
/** Nothing is in it, and it is what a silent stream is served from. */
const PUBLIC = 'empty';
/** Directories of the data directory that may be links to other disks. */
const LINKED = [
  'runs',
  'discarded',
  'workspaces',
  'discarded-workspaces',
  'contents',
  'uploads',
  'assets',
] as const;

/**
 * What in the file system is the server's own, so that it neither serves, mounts nor overwrites it by itself, under
 * whatever path: its data directory with all that is in it, and files that it is told of (secrets, a token). A run's own
 * directory, its scratch directory or the tree of its workspace, is no part of it for this run. Told by path and by identity, since a bind mount, a hard link or
 * a file system that folds case gives a place other names.
 */
export class PrivatePlaces {
  readonly #dataDir: string;
  readonly #files: readonly string[];
  readonly #outside = new Map<string, string>();
  #known: { roots: BytePath[]; real: ReadonlyMap<string, BytePath>; at: number } | null = null;

  /** `files`: more private files. They need not exist. */
  constructor(dataDir: string, files: readonly string[] = []) {
    this.#dataDir = dataDir;
    this.#files = files;
  }

  /** As things are now, for one run, or for nobody's. */
  look(own: Pick<RunDirectory, 'work'> | null): PrivateView {
    return new PrivateView(this.see(own));
  }

  /** The same as plain data, for another thread. */
  see(own: Pick<RunDirectory, 'work'> | null): Seen {
    const { roots, real } = this.#places();
    return {
      roots,
      scratch: own && ownPlace(own.work, real),
      identities: this.#identities(),
      files: this.#files.flatMap((file) => realPath(file) ?? []),
    };
  }

  /** Is a directory one of them. Asked again of the same one under the same name it costs no call of the file system. */
  holdsDirectory(path: string, stats: Stats, own: Pick<RunDirectory, 'work'>): boolean {
    const identity = identityOf(stats);
    if (this.#outside.get(path) === identity) return false;
    const real = realPath(path);
    if (real === null) return true;
    if (this.look(own).holds(real)) return true;
    // What is the run's own is private for the next one.
    if (this.look(null).holds(real)) return false;
    if (this.#outside.size >= MOST_JUDGED) this.#outside.clear();
    this.#outside.set(path, identity);
    return false;
  }

  #places(): { roots: BytePath[]; real: ReadonlyMap<string, BytePath> } {
    const now = performance.now();
    if (this.#known && now - this.#known.at < MOUNTS_KNOWN_MS) return this.#known;
    const realOf = (path: string): BytePath => realPath(path) ?? bytePath(path);
    const data = realOf(this.#dataDir);
    const real = new Map(LINKED.map((name) => [name as string, realOf(join(this.#dataDir, name))]));
    const own = [data, ...[...real.values()].filter((place) => !isInside(data, place))];
    this.#known = { roots: [...own, ...own.flatMap(mountAliases)], real, at: now };
    return this.#known;
  }

  #identities(): Identities {
    const paths = [this.#dataDir, ...this.#files];
    try {
      for (const name of readdirSync(this.#dataDir))
        if (name !== PUBLIC) paths.push(join(this.#dataDir, name));
    } catch {
      // Nothing is in it that could be given away.
    }
    const identities = new Map<string, string>();
    for (const path of paths) {
      const stats = factsOf(path);
      if (stats) identities.set(identityOf(stats), path);
    }
    return identities;
  }
}

/** Of a path PLACE/NAME/LEAF in the data directory: where that is really. */
function ownPlace(work: string, real: ReadonlyMap<string, BytePath>): BytePath {
  const home = dirname(work);
  const place = real.get(basename(dirname(home))) ?? bytePath(dirname(home));
  return joinBytes(joinBytes(place, bytePath(basename(home))), bytePath(basename(work)));
}

/** Null: there is nothing, or nothing that this server could open. */
function factsOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** Null: there is nothing, or it cannot be told. */
export function realPath(path: string): BytePath | null {
  try {
    return bytePath(realpathSync.native(path, { encoding: 'buffer' }));
  } catch {
    return null;
  }
}

/** The deepest directory or file on the way to a path that exists, links resolved. */
export function nearestReal(path: string): BytePath {
  for (let existing = path; ; existing = dirname(existing)) {
    const real = realPath(existing);
    if (real !== null || existing === dirname(existing)) return real ?? bytePath(existing);
  }
}
