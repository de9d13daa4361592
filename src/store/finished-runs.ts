import type { DatabaseSync } from 'node:sqlite';

export interface RetentionCandidate {
  n: number;
  id: string;
  /** Rises with every run that finishes. */
  order: number;
  finishedAt: number;
  outputBytes: number;
}

/** Runs with a final status, as retention counts and takes them. */
export class FinishedRuns {
  readonly #totals;
  readonly #bytesOf;
  /** As the last count and all that came and went since make them; null: to be counted. */
  #known: { count: number; bytes: number } | null = null;
  readonly #oldest;

  constructor(db: DatabaseSync) {
    this.#totals = db.prepare(`SELECT count(*) AS count, coalesce(sum(output_bytes), 0) AS bytes
      FROM runs WHERE finish_order IS NOT NULL`);
    this.#bytesOf = db.prepare(
      'SELECT output_bytes AS bytes FROM runs WHERE id = ? AND finish_order IS NOT NULL',
    );
    this.#oldest =
      db.prepare(`SELECT n, id, finish_order AS "order", finished_at AS finishedAt, output_bytes AS outputBytes
      FROM runs r WHERE (finish_order, n) > (?, ?) AND finish_order IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.n = r.n AND d.settled = 0)
      ORDER BY finish_order, n LIMIT ?`);
  }

  /** The first time every finished run is read, and the first time after `recount`. */
  totals(): { count: number; bytes: number } {
    this.#known ??= { ...(this.#totals.get() as unknown as { count: number; bytes: number }) };
    return { ...this.#known };
  }

  /** What totals() would lose with the run; 0 where it has not finished. */
  bytesOf(id: string): number {
    return (this.#bytesOf.get(id)?.bytes as number | undefined) ?? 0;
  }

  /** One has finished, or (-1) one that had is gone. */
  changed(count: 1 | -1, bytes: number): void {
    if (this.#known === null) return;
    this.#known.count += count;
    this.#known.bytes += count * bytes;
  }

  /** Something else came or went. */
  recount(): void {
    this.#known = null;
  }

  /** Those after `after`, in the order in which they finished; not those whose delivery is still pending. */
  oldest(after: { order: number; n: number }, limit: number): RetentionCandidate[] {
    return this.#oldest.all(after.order, after.n, limit) as unknown as RetentionCandidate[];
  }
}
