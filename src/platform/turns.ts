import { Waiters } from './waiters.ts';

/** So many at once, and of one key one after the other. */
export class Turns {
  readonly #most: number;
  readonly #keys = new Set<string>();
  readonly #waiting = new Waiters();

  constructor(most: number) {
    this.#most = most;
  }

  /** Throws the signal's reason where the turn has not come before. */
  async take<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    while (this.#keys.size >= this.#most || this.#keys.has(key)) {
      await this.#waiting.next({ signal });
      signal.throwIfAborted();
    }
    this.#keys.add(key);
    try {
      return await work();
    } finally {
      this.#keys.delete(key);
      this.#waiting.wake();
    }
  }
}
