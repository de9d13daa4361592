import type { DatabaseSync } from 'node:sqlite';
import { rowInRxpWords } from './earlier-words.ts';

/** What a delivery attempt needs. The secret is never shown or logged. */
export interface StoredDelivery {
  id: string;
  createdAt: number;
  delivery: string;
  secret: string | null;
  result: string;
}

/** Where results of finished runs are to be sent. */
export class Deliveries {
  readonly #get;
  readonly #pending;

  constructor(db: DatabaseSync) {
    this.#get = db.prepare(`SELECT r.id, r.created_at AS createdAt, d.delivery, d.secret, o.result
      FROM deliveries d JOIN runs r ON r.n = d.n JOIN results o ON o.n = d.n WHERE r.id = ?`);
    this.#pending = db.prepare(`SELECT r.id, d.delivery FROM deliveries d JOIN runs r ON r.n = d.n
      WHERE d.settled = 0 AND r.finished_at IS NOT NULL ORDER BY d.n`);
  }

  /** Undefined when the run has none, has not finished or is gone. */
  get(id: string): StoredDelivery | undefined {
    const row = this.#get.get(id) as StoredDelivery | undefined;
    return row && rowInRxpWords(row);
  }

  /** Those that are not settled, in order of acceptance of their runs. */
  pending(): { id: string; delivery: string }[] {
    return this.#pending.all() as unknown as { id: string; delivery: string }[];
  }
}
