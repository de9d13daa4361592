import { setImmediate as turn } from 'node:timers/promises';
import { LeftOut } from './open-inside.ts';

/** Comparisons of characters that the globs of one request may cost: some seconds of one processor. */
const MOST_STEPS = 1e9;
/** How long the event loop is held at once, ms, and how often that is looked at, in comparisons. */
const HELD_MS = 5;
const LOOK_EVERY = 10_000;

/** What it costs to match names against the globs of one request, all directories together. */
export class Effort {
  #left: number;
  #untilLook = LOOK_EVERY;
  #since = performance.now();

  constructor(most = MOST_STEPS) {
    this.#left = most;
  }

  /** Null: go on. Else wait for it: others have a turn. Throws LeftOut when the globs have cost too much. */
  spend(steps: number): Promise<void> | null {
    this.take(steps);
    this.#untilLook -= steps + 1;
    if (this.#untilLook > 0) return null;
    this.#untilLook = LOOK_EVERY;
    return performance.now() - this.#since < HELD_MS ? null : this.#pause();
  }

  /** For threads in which nobody else wants a turn. Throws LeftOut when the globs have cost too much. */
  take(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0)
      throw new LeftOut('the patterns take too long to compare: the rest was not looked at');
  }

  async #pause(): Promise<void> {
    await turn();
    this.#since = performance.now();
  }
}
