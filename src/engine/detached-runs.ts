import { RunwireError } from '../documents/errors.ts';
import type { LiveRun } from '../run/live-run.ts';

/**
 * Runs that others do: they need no place of the queue while they go on, and a server that stops leaves them to
 * the next one. What bounds them is memory: at most `limit` at once.
 */
export class DetachedRuns {
  readonly #limit: number;
  readonly #runs = new Set<LiveRun>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#runs.size;
  }

  [Symbol.iterator](): Iterator<LiveRun> {
    return this.#runs.values();
  }

  /** Is it a run of this sort. */
  takes({ runner, spec, refusal }: LiveRun): boolean {
    return refusal === null && runner.detached?.(spec) === true;
  }

  has(run: LiveRun): boolean {
    return this.#runs.has(run);
  }

  /** Throws queue_full. `waiting`: so many wait to become one. */
  admit(waiting = 0): void {
    if (this.#runs.size + waiting >= this.#limit)
      throw new RunwireError('queue_full', 'too many runs wait for others', { retryAfterSeconds: 1 });
  }

  /** Counts it until `work` settles. */
  async hold(run: LiveRun, work: () => Promise<void>): Promise<void> {
    this.#runs.add(run);
    await work();
    this.#runs.delete(run);
  }
}
