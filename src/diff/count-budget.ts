import type { Change } from './changes.ts';
import { costOf } from './file-diff.ts';

/** Bytes of contents whose lines are counted for one answer. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Which lines are counted: of the first changes, in their order, so that every page says the same. */
export class CountBudget {
  #left = MOST_BYTES;
  #isOver = false;

  covers(change: Change): boolean {
    const cost = costOf(change);
    if (cost === null) return false;
    if (cost === 0) return true; // a mode, a directory: there are no lines
    this.#isOver ||= cost > this.#left;
    this.#left -= cost;
    return !this.#isOver;
  }
}
