import { closeSync, constants, fstatSync, futimesSync, openSync } from 'node:fs';
import { PrivateView, type Seen } from '../disk/private-view.ts';
import { Below, nobodys } from '../files/below.ts';
import { isAbsence } from '../files/walk.ts';
import { copyBytes } from './copy-bytes.ts';
import type { Worker } from './crew.ts';

const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface CopyContext {
  root: string;
  seen: Seen;
  to: string;
}

/** Copies files from one tree to the same path in another, with permissions and times. */
export class CopyWorker implements Worker<string, number | null> {
  readonly #view: PrivateView;
  readonly #from: Below;
  readonly #to: Below;
  readonly #goOn: () => void;

  constructor({ root, seen, to }: CopyContext, goOn: () => void) {
    this.#view = new PrivateView(seen);
    this.#from = new Below(root, (stats, fd) => this.#view.holdsFile(stats, fd), true);
    this.#to = new Below(to, nobodys);
    this.#goOn = goOn;
  }

  /** Bytes; null: it is gone, or nobody's business. */
  do(path: string): number | null {
    let place: string;
    try {
      place = this.#from.near(path);
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
    return this.at(place, path);
  }

  at(place: string | Buffer, path: string): number | null {
    this.#goOn();
    let fd: number;
    try {
      fd = openSync(place, FILE);
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile() || this.#view.holdsFile(stats, fd)) return null;
      const copy = copyBytes(fd, stats.size, this.#to.near(path), stats.mode & 0o777, (made) =>
        futimesSync(made, stats.mtime, stats.mtime),
      );
      return copy.size;
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    this.#from.close();
    this.#to.close();
  }
}
