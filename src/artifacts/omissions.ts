import type { Omitted } from '../documents/artifact.ts';

const MAX_LISTED = 1000;

/** What was left out, in order; after the first 1,000 only counted. */
export class Omissions {
  readonly #listed: Omitted[] = [];
  #more = 0;

  add(path: string, reason: string): void {
    if (this.#listed.length < MAX_LISTED) this.#listed.push({ path, reason });
    else this.#more++;
  }

  /** At most 1,001 entries; the last one has an empty path and counts those that are not listed. */
  list(): Omitted[] {
    if (this.#more === 0) return this.#listed;
    return [...this.#listed, { path: '', reason: `${this.#more} more were left out` }];
  }
}
