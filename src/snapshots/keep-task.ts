import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { reasonOf } from '../artifacts/open-inside.ts';
import type { Contents } from '../contents/contents.ts';
import { Keeping } from '../contents/keep-file.ts';
import { PRIVATE, PrivateView, type Seen } from '../disk/private-view.ts';
import { Below } from '../files/below.ts';
import { isAbsence, type ScanOf } from '../files/walk.ts';
import { FileClock } from './clock.ts';
import type { Worker } from './crew.ts';
import type { FileState } from './index-file.ts';

const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const MOST_TRIES = 3;

export interface KeepContext {
  root: string;
  seen: Seen;
  /** On the file system of the tree, with a name that each thread adds to. Null: what is read is never known to stay. */
  clock: string | null;
}

/** A file as it was kept. */
export interface KeptState extends FileState {
  sha256: string;
  mode: number;
  /** Every later change can be told from this state. */
  isSettled: boolean;
}

/** Puts files of a tree into the contents. */
export class KeepWorker implements Worker<string, KeptState | string> {
  readonly #contents: Contents;
  readonly #keeping: Keeping;
  readonly #isPrivate: ScanOf['isPrivate'];
  readonly #clock: FileClock | null;
  readonly #root: string;
  #below: Below | null = null;

  constructor(contents: Contents, { root, seen, clock }: KeepContext, goOn: () => void) {
    const view = new PrivateView(seen);
    this.#contents = contents;
    this.#keeping = new Keeping(contents, goOn);
    this.#isPrivate = (stats, fd) => view.holdsFile(stats, fd);
    this.#root = root;
    this.#clock = clock === null ? null : new FileClock(clock);
  }

  /** Of a path in the tree. A string: why it was left out. */
  do(path: string): KeptState | string {
    this.#below ??= new Below(this.#root, this.#isPrivate, true);
    try {
      return this.at(this.#below.near(path));
    } catch (error) {
      if (isAbsence(error)) return reasonOf(error);
      throw error;
    }
  }

  at(place: string | Buffer): KeptState | string {
    let fd: number;
    try {
      fd = openSync(place, FILE);
    } catch (error) {
      if (isAbsence(error)) return reasonOf(error);
      throw error;
    }
    try {
      return this.#keep(fd);
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    // The other thread has others to see to.
    this.#contents.sync();
    this.#below?.close();
    this.#clock?.close();
  }

  #keep(fd: number): KeptState | string {
    let before = fstatSync(fd);
    if (!before.isFile()) return 'not a regular file';
    if (this.#isPrivate(before, fd)) return PRIVATE;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const isSettled = this.#clock?.passes(before) ?? false;
      const { sha256, size } = this.#keeping.keep(fd, before.size);
      const after = fstatSync(fd);
      if (size === after.size && isSame(before, after)) {
        const { ino, mode, mtimeMs, ctimeMs } = after;
        return { ino, size, mtimeMs, ctimeMs, sha256, mode: mode & 0o777, isSettled };
      }
      before = after;
    }
    return 'went on changing while it was read';
  }
}

const isSame = (before: Stats, after: Stats): boolean =>
  after.ctimeMs === before.ctimeMs && after.mtimeMs === before.mtimeMs && after.size === before.size;
