import { ChurnMap } from '../platform/churn-map.ts';
import type { LiveRun } from '../run/live-run.ts';

/** All runs that are not finished, by id, and those that they need: the makers of their inputs. */
export class LiveRuns extends ChurnMap<string, LiveRun> {
  /** How many need it. */
  readonly #needed = new Map<string, number>();

  override set(id: string, run: LiveRun): void {
    this.delete(id);
    super.set(id, run);
    this.#count(run, 1);
  }

  override delete(id: string): boolean {
    const run = this.get(id);
    if (run) this.#count(run, -1);
    return super.delete(id);
  }

  /** Does one of them take what this one left behind. */
  need(id: string): boolean {
    return this.#needed.has(id);
  }

  #count({ invocation }: LiveRun, by: 1 | -1): void {
    for (const { artifact } of invocation.options.inputs ?? []) {
      if (artifact === undefined) continue;
      const count = (this.#needed.get(artifact.invocation_id) ?? 0) + by;
      if (count === 0) this.#needed.delete(artifact.invocation_id);
      else this.#needed.set(artifact.invocation_id, count);
    }
  }
}
