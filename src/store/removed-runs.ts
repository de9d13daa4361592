import type { DatabaseSync } from 'node:sqlite';

/** Who removed it: a client by DELETE, the bounds of retention, or, of a workspace, its time. */
export type RemovalReason = 'deleted' | 'retention' | 'expired';

/** Where removals are remembered. */
export type RemovedTable = 'removed' | 'removed_workspaces' | 'removed_snapshots';

export interface RemovedRun {
  /** ms since the epoch */
  removedAt: number;
  reason: RemovalReason;
}

/** The last so many removals are remembered: some 10 MB of the database. */
export const REMEMBERED = 100_000;

/** Ids of runs, or of what else a table is for, that were removed, so that who asks for one is told that it was. Used inside a transaction. */
export class RemovedRuns {
  readonly #add;
  readonly #trim;
  readonly #get;
  readonly #forget;
  readonly #remembered: number;
  #lastN: number;

  constructor(db: DatabaseSync, remembered = REMEMBERED, table: RemovedTable = 'removed') {
    this.#remembered = remembered;
    this.#forget = db.prepare(`DELETE FROM ${table} WHERE id = ?`);
    this.#add = db.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?, ?)`);
    this.#trim = db.prepare(`DELETE FROM ${table} WHERE n <= ?`);
    this.#get = db.prepare(`SELECT removed_at AS removedAt, reason FROM ${table} WHERE id = ?`);
    this.#lastN = Number(db.prepare(`SELECT max(n) AS n FROM ${table}`).get()?.n ?? 0);
  }

  add(id: string, { removedAt, reason }: RemovedRun): void {
    const n = this.#lastN + 1;
    this.#add.run(n, id, removedAt, reason);
    this.#lastN = n;
    this.#trim.run(n - this.#remembered);
  }

  /** It was not removed after all. */
  forget(id: string): void {
    this.#forget.run(id);
  }

  /** Undefined: never was one of this id, or it is forgotten. A new run may have the id by now. */
  get(id: string): RemovedRun | undefined {
    return this.#get.get(id) as RemovedRun | undefined;
  }
}
