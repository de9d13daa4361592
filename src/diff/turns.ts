import { setImmediate as turn } from 'node:timers/promises';

/** After so long others have their turn. */
const HELD_MS = 5;

/** Asked again and again in long work: others have their turn in between. */
export class Turns {
  #since = performance.now();

  /** Null: go on. Else wait for it. */
  next(): Promise<void> | null {
    return performance.now() - this.#since < HELD_MS ? null : this.#pause();
  }

  async #pause(): Promise<void> {
    await turn();
    this.#since = performance.now();
  }
}
