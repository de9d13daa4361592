import type { DatabaseSync } from 'node:sqlite';
import type { GroupCommit } from './group-commit.ts';
import type { StoreOperation } from './operations.ts';
import { decodeCursor, takePage } from './page-cursor.ts';
import { type RemovalReason, type RemovedRun, RemovedRuns } from './removed-runs.ts';
import type { NewWorkspace, WorkspaceFacts } from './space-operations.ts';

export type { NewWorkspace, WorkspaceFacts } from './space-operations.ts';
export type StoredWorkspace = NewWorkspace & WorkspaceFacts;

const FIND = `SELECT n, id, fingerprint, input, created_at AS createdAt, state, reason, base_snapshot AS baseSnapshot,
  bytes, files, last_used_at AS lastUsedAt, expires_at AS expiresAt, restoring FROM workspaces`;

/** Records of workspaces. Writes are durable when the store's `committed()` says so. */
export class WorkspaceRows {
  readonly #group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>;
  readonly #removed: RemovedRuns;
  readonly #sql;
  #lastN: number;

  constructor(db: DatabaseSync, group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>) {
    this.#group = group;
    this.#removed = new RemovedRuns(db, undefined, 'removed_workspaces');
    this.#sql = {
      get: db.prepare(`${FIND} WHERE id = ?`),
      page: db.prepare(`${FIND} WHERE n < ? ORDER BY n DESC LIMIT ?`),
      unready: db.prepare(`${FIND} WHERE state IN ('filling', 'restoring') ORDER BY n`),
      expired: db.prepare(`${FIND} WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at`),
    };
    this.#lastN = Number(db.prepare('SELECT max(n) AS n FROM workspaces').get()?.n ?? 0);
  }

  /** The caller has looked whether the id is taken. */
  insert(workspace: Omit<NewWorkspace, 'n'>, facts: WorkspaceFacts): void {
    const n = this.#lastN + 1;
    this.#group.write({ op: 'workspace', workspace: { n, ...workspace }, facts });
    this.#lastN = n;
  }

  get(id: string): StoredWorkspace | undefined {
    this.#group.ready();
    return this.#sql.get.get(id) as StoredWorkspace | undefined;
  }

  /** False: it is not there any more. */
  change(id: string, changed: Partial<WorkspaceFacts>): boolean {
    const known = this.get(id);
    return (
      known !== undefined &&
      this.#group.write({ op: 'workspace-facts', n: known.n, facts: { ...known, ...changed } })
    );
  }

  remove(id: string, reason: RemovalReason): boolean {
    return this.#group.write({ op: 'workspace-removed', id, removed: { removedAt: Date.now(), reason } });
  }

  removed(id: string): RemovedRun | undefined {
    this.#group.ready();
    return this.#removed.get(id);
  }

  /** Newest first. Throws RunwireError bad_request for a cursor that is not ours. */
  page({ limit, cursor }: { limit: number; cursor?: string | undefined }): {
    rows: StoredWorkspace[];
    nextCursor: string | null;
  } {
    this.#group.ready();
    const found = this.#sql.page.iterate(decodeCursor(cursor), limit + 1);
    return takePage<StoredWorkspace>(found, limit, ({ input }) => [input]);
  }

  /** Those that are filled or restored, in order of their making. */
  unready(): StoredWorkspace[] {
    this.#group.ready();
    return this.#sql.unready.all() as unknown as StoredWorkspace[];
  }

  /** Those whose time was over at `now`, ms since the epoch. */
  expired(now: number): StoredWorkspace[] {
    this.#group.ready();
    return this.#sql.expired.all(now) as unknown as StoredWorkspace[];
  }
}
