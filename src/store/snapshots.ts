import type { DatabaseSync } from 'node:sqlite';
import type { GroupCommit } from './group-commit.ts';
import type { StoreOperation } from './operations.ts';
import { decodeCursor, takePage } from './page-cursor.ts';
import { type RemovalReason, type RemovedRun, RemovedRuns } from './removed-runs.ts';
import type { StoredSnapshot } from './space-operations.ts';

export type { StoredSnapshot } from './space-operations.ts';

const FIND = `SELECT n, id, workspace, origin, digest, files, bytes, omitted, metadata, created_at AS createdAt
  FROM snapshots`;

/** Records of snapshots. Writes are durable when the store's `committed()` says so. */
export class SnapshotRows {
  readonly #group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>;
  readonly #removed: RemovedRuns;
  readonly #sql;
  #lastN: number;

  constructor(db: DatabaseSync, group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>) {
    this.#group = group;
    this.#removed = new RemovedRuns(db, undefined, 'removed_snapshots');
    this.#sql = {
      get: db.prepare(`${FIND} WHERE id = ?`),
      page: db.prepare(`${FIND} WHERE n < ? ORDER BY n DESC LIMIT ?`),
      pageOf: db.prepare(`${FIND} WHERE workspace = ? AND n < ? ORDER BY n DESC LIMIT ?`),
      digests: db.prepare('SELECT DISTINCT digest FROM snapshots'),
    };
    this.#lastN = Number(db.prepare('SELECT max(n) AS n FROM snapshots').get()?.n ?? 0);
  }

  /** The caller has looked whether the id is taken. */
  insert(snapshot: Omit<StoredSnapshot, 'n'>): void {
    const n = this.#lastN + 1;
    this.#group.write({ op: 'snapshot', snapshot: { n, ...snapshot } });
    this.#lastN = n;
  }

  get(id: string): StoredSnapshot | undefined {
    this.#group.ready();
    return this.#sql.get.get(id) as StoredSnapshot | undefined;
  }

  remove(id: string, reason: RemovalReason): boolean {
    return this.#group.write({ op: 'snapshot-removed', id, removed: { removedAt: Date.now(), reason } });
  }

  removed(id: string): RemovedRun | undefined {
    this.#group.ready();
    return this.#removed.get(id);
  }

  /** Newest first. Throws RunwireError bad_request for a cursor that is not ours. */
  page({
    limit,
    cursor,
    workspace,
  }: {
    limit: number;
    cursor?: string | undefined;
    workspace?: string | undefined;
  }): { rows: StoredSnapshot[]; nextCursor: string | null } {
    this.#group.ready();
    const before = decodeCursor(cursor);
    const found =
      workspace === undefined
        ? this.#sql.page.iterate(before, limit + 1)
        : this.#sql.pageOf.iterate(workspace, before, limit + 1);
    return takePage<StoredSnapshot>(found, limit, ({ omitted, metadata }) => [omitted, metadata]);
  }

  /** Digests of all of them, each once. */
  *digests(): Generator<string> {
    this.#group.ready();
    for (const { digest } of this.#sql.digests.all()) yield digest as string;
  }
}
