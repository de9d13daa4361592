import { ChurnMap } from '../platform/churn-map.ts';
import type { RecordParts } from './record-json.ts';

/** So many runs, none with a longer record, so that memory stays small. */
const KEPT = 64;
const LONGEST = 16 * 1024;

/**
 * What finished last: whoever waits for a run asks for its record in the moment after, and finds it here without a
 * read of the database. Only records that do not change any more, but for their removal.
 */
export class RecentRecords {
  readonly #parts = new ChurnMap<string, RecordParts>();
  /** The ids in a ring, and the next place in it. */
  readonly #ids: string[] = [];
  #next = 0;

  keep(parts: RecordParts): void {
    const { id, invocation, result, outcome, delivery } = parts;
    if (delivery !== null || invocation.length + (result?.length ?? 0) + (outcome?.length ?? 0) > LONGEST)
      return;
    const oldest = this.#ids[this.#next];
    if (oldest !== undefined) this.#parts.delete(oldest);
    this.#ids[this.#next] = id;
    this.#next = (this.#next + 1) % KEPT;
    this.#parts.set(id, parts);
  }

  get(id: string): RecordParts | undefined {
    return this.#parts.get(id);
  }

  forget(id: string): void {
    this.#parts.delete(id);
  }
}
