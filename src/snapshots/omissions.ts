import type { Omission } from './jobs.ts';

const MOST_TOLD = 1000;

/** What was there and was not taken, and why: the first of them by name, the rest counted. */
export class Omissions {
  readonly #told: Omission[] = [];
  #rest = 0;

  add(path: string, reason: string): void {
    if (this.#told.length < MOST_TOLD) this.#told.push({ path, reason });
    else this.#rest++;
  }

  all(): Omission[] {
    if (this.#rest === 0) return this.#told;
    return [...this.#told, { path: '', reason: `${this.#rest} more were left out` }];
  }
}
