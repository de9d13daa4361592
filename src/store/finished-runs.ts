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
  readonly #oldest;

  constructor(db: DatabaseSync) {
    this.#totals = db.prepare(`SELECT count(*) AS count, coalesce(sum(output_bytes), 0) AS bytes
      FROM runs WHERE finish_order IS NOT NULL`);
    this.#oldest =
      db.prepare(`SELECT n, id, finish_order AS "order", finished_at AS finishedAt, output_bytes AS outputBytes
      FROM runs r WHERE (finish_order, n) > (?, ?) AND finish_order IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.n = r.n AND d.settled = 0)
      ORDER BY finish_order, n LIMIT ?`);
  }

  /** Reads every finished run's index entry. */
  totals(): { count: number; bytes: number } {
    return this.#totals.get() as unknown as { count: number; bytes: number };
  }

  /** Those after `after`, in the order in which they finished; not those whose delivery is still pending. */
  oldest(after: { order: number; n: number }, limit: number): RetentionCandidate[] {
    return this.#oldest.all(after.order, after.n, limit) as unknown as RetentionCandidate[];
  }
}
