import type { RecordParts } from './live-run.ts';

/** So many runs, none with a longer record, so that memory stays small. */
const KEPT = 64;
const LONGEST = 16 * 1024;

/**
 * What finished last: whoever waits for a run asks for its record in the moment after, and finds it here without a
 * read of the database. Only records that do not change any more, but for their removal.
 */
export class RecentRecords {
  readonly #parts = new Map<string, RecordParts>();

  keep(parts: RecordParts): void {
    const { id, invocation, result, outcome, delivery } = parts;
    if (delivery !== null || invocation.length + (result?.length ?? 0) + (outcome?.length ?? 0) > LONGEST)
      return;
    this.#parts.set(id, parts);
    if (this.#parts.size <= KEPT) return;
    for (const oldest of this.#parts.keys()) {
      this.#parts.delete(oldest);
      break;
    }
  }

  get(id: string): RecordParts | undefined {
    return this.#parts.get(id);
  }

  forget(id: string): void {
    this.#parts.delete(id);
  }
}
