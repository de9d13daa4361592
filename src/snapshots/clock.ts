import { closeSync, constants, fstatSync, futimesSync, openSync, rmSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

const MADE = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;

/** A file system that has not gone on by then tells nothing. */
const MOST_WAITS = 25;
/** A time that lies so far ahead is of another clock, or of this one before it was put back. */
const FAR_MS = 1000;

/**
 * The clock of a file system, read from a file of our own on it: what is changed there later has this time or one behind
 * it, however coarse the clock is.
 */
export class FileClock {
  readonly dev: number;
  readonly #fd: number;
  #now = 0;

  /** Beside `path`, a file of each thread, which is gone at once. */
  constructor(path: string) {
    const place = `${path}.clock-${threadId}`;
    this.#fd = openSync(place, MADE, 0o600);
    rmSync(place, { force: true });
    this.dev = fstatSync(this.#fd).dev;
    this.#look();
  }

  /** Waits until whatever is changed from now on gets a later time than this. False: it cannot be known. */
  passes({ dev, ctimeMs }: { dev: number; ctimeMs: number }): boolean {
    if (dev !== this.dev) return false;
    for (let waits = 0; ctimeMs >= this.#now; waits++) {
      if (waits > 0) pause(1);
      this.#look();
      if (waits > MOST_WAITS || ctimeMs - this.#now > FAR_MS) return false;
    }
    return true;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #look(): void {
    const now = new Date();
    futimesSync(this.#fd, now, now);
    this.#now = fstatSync(this.#fd).ctimeMs;
  }
}

const nobody = new Int32Array(new SharedArrayBuffer(4));
const pause = (ms: number): void => void Atomics.wait(nobody, 0, 0, ms);
