/** Words that threads and server share about one job. */
const ABORT = 0;
const HELPER_GONE = 1;
const WORDS = 2;

export class Aborted extends Error {
  constructor() {
    super('the work was given up');
    this.name = 'AbortError';
  }
}

/** Of one job: given up, and whether a thread that helps it has died. Plain data in `shared`. */
export class Control {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(shared = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  abort(): void {
    Atomics.store(this.#words, ABORT, 1);
  }

  /** Throws Aborted. */
  readonly goOn = (): void => {
    if (Atomics.load(this.#words, ABORT) !== 0) throw new Aborted();
  };

  helperDied(): void {
    Atomics.store(this.#words, HELPER_GONE, 1);
  }

  get isHelperGone(): boolean {
    return Atomics.load(this.#words, HELPER_GONE) !== 0;
  }
}
