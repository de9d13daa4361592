import type { Places } from '../documents/places.ts';
import { afterMs } from '../platform/timer.ts';
import type { RunQueue } from './queue.ts';

export interface ShortageLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

type Looked = Pick<RunQueue<{ id: string }>, 'places' | 'queued' | 'longestWaitMs' | 'holders'>;

/** A run that waits for so long is no moment of many that came at once. */
const LONG_MS = 5000;

const VARIABLE: Readonly<{ [Sort in Places]: string }> = {
  programs: 'RUNWIRE_MAX_CONCURRENT',
  calls: 'RUNWIRE_MAX_CALLS',
};

/** Tells people once when runs wait long for places, and once when that is over. */
export class PlaceShortage {
  readonly #sort: Places;
  readonly #queue: Looked;
  readonly #log: ShortageLog;
  readonly #longMs: number;
  #told = false;
  #cancel: (() => void) | null = null;

  constructor(sort: Places, queue: Looked, log: ShortageLog, longMs = LONG_MS) {
    this.#sort = sort;
    this.#queue = queue;
    this.#log = log;
    this.#longMs = longMs;
  }

  /** Somebody waits, or waits no more. */
  look(): void {
    if (this.#queue.queued > 0) this.#cancel ??= this.#lookAgain(this.#longMs - this.#queue.longestWaitMs);
    else {
      this.stop();
      this.#tellEnd();
    }
  }

  /** No word any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #lookAgain(ms: number): () => void {
    return afterMs(ms, () => this.#judge(), { ref: false });
  }

  #judge(): void {
    const { places, queued, longestWaitMs, holders } = this.#queue;
    const isLong = longestWaitMs >= this.#longMs;
    if (!isLong) this.#tellEnd();
    else if (!this.#told) {
      this.#told = true;
      const message = `all ${places} places of ${this.#sort} are taken (${VARIABLE[this.#sort]}), and runs wait`;
      this.#log.warn({ waiting: queued, holders }, message);
    }
    this.#cancel = this.#lookAgain(isLong ? this.#longMs : this.#longMs - longestWaitMs);
  }

  #tellEnd(): void {
    if (!this.#told) return;
    this.#told = false;
    this.#log.info({ waiting: this.#queue.queued }, `runs no longer wait long for places of ${this.#sort}`);
  }
}
