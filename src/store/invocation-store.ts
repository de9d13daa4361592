import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Status } from '../documents/result.ts';
import { STATUSES } from '../documents/result.ts';
import { AssetRows } from './assets.ts';
import { Deliveries, type StoredDelivery } from './deliveries.ts';
import { orDuplicate } from './duplicate-run.ts';
import { rowInRxpWords } from './earlier-words.ts';
import { FinishedRuns, type RetentionCandidate } from './finished-runs.ts';
import { GroupCommit } from './group-commit.ts';
import {
  type NewRun,
  type ResultRow,
  type StoredRows,
  type StoreOperation,
  storeOperations,
  TABLES,
} from './operations.ts';
import { RedoLog } from './redo-log.ts';
import { type RemovalReason, type RemovedRun, RemovedRuns } from './removed-runs.ts';
import type { StoredRun, StoreFilter } from './run-list.ts';
import { FIND, RunList } from './run-list.ts';
import type { DatabaseOptions } from './schema.ts';
import { openDatabase } from './schema.ts';
import { SessionRows } from './sessions.ts';
import { SnapshotRows } from './snapshots.ts';
import { SpecRows } from './specs.ts';
import { type UnfinishedRun, UnfinishedRuns } from './unfinished-runs.ts';
import { syncWal, type WalSync } from './wal-sync.ts';
import { WorkspaceRows } from './workspaces.ts';

export type { NewRun, ResultRow } from './operations.ts';
export type { StoredRun, StoreFilter } from './run-list.ts';
export type { UnfinishedRun } from './unfinished-runs.ts';

export interface StoreOptions extends DatabaseOptions {
  /** Told when writes of a turn were lost together (disk full, I/O error). */
  onRollback?: (error: Error) => void;
  /** Told when the database does not take what is durable already. Nothing is lost: it is tried again. */
  onDelay?: (error: Error) => void;
  /** Told at the start of so many bytes of a write that a crash interrupted. */
  onTorn?: (bytes: number) => void;
}

/**
 * Records of runs in SQLite. Calls are synchronous and see each other's writes at once; `committed()`
 * tells when they are durable. Any write may throw RunwireError insufficient_storage or internal_error.
 */
export class InvocationStore {
  readonly workspaces: WorkspaceRows;
  readonly snapshots: SnapshotRows;
  readonly specs: SpecRows;
  readonly assets: AssetRows;
  readonly sessions: SessionRows;
  readonly #db: DatabaseSync;
  readonly #redo: RedoLog;
  readonly #group: GroupCommit<StoreOperation>;
  /** Null where every commit is synced anyway. */
  readonly #walSync: WalSync | null;
  readonly #lists: RunList;
  readonly #unfinished: UnfinishedRuns;
  readonly #finished: FinishedRuns;
  readonly #removed: RemovedRuns;
  readonly #deliveries: Deliveries;
  readonly #sql;
  #lastN: number;
  #lastFinish: number;

  constructor(file: string, options: StoreOptions = {}) {
    const db = openDatabase(file, options);
    this.#db = db;
    this.#walSync = options.fsync ? null : syncWal(file);
    this.#redo = new RedoLog(`${file}-redo`, { sync: options.fsync === true });
    this.#group = new GroupCommit({
      db,
      redo: this.#redo,
      apply: storeOperations(db),
      onRollback: (error) => {
        this.#finished?.recount();
        options.onRollback?.(error);
      },
      onDelay: options.onDelay,
      onCommit: () => this.#walSync?.touch(),
    });
    const torn = this.#group.replay();
    if (torn > 0) options.onTorn?.(torn);
    this.#sql = prepareAll(db);
    this.#lists = new RunList(db);
    this.#unfinished = new UnfinishedRuns(db);
    this.#finished = new FinishedRuns(db);
    this.#removed = new RemovedRuns(db);
    this.#deliveries = new Deliveries(db);
    this.workspaces = new WorkspaceRows(db, this.#group);
    this.snapshots = new SnapshotRows(db, this.#group);
    this.specs = new SpecRows(db, this.#group);
    this.assets = new AssetRows(db, this.#group);
    this.sessions = new SessionRows(db, this.#group);
    this.#lastN = Number(db.prepare('SELECT max(n) AS n FROM runs').get()?.n ?? 0);
    this.#lastFinish = Number(db.prepare('SELECT max(finish_order) AS last FROM runs').get()?.last ?? 0);
  }

  /** Throws DuplicateRun when the id or the key is taken; nothing is stored then. */
  insert(run: NewRun): void {
    try {
      this.#group.write({ op: 'insert', n: this.#lastN + 1, run });
      this.#lastN++;
    } catch (error) {
      throw orDuplicate(error);
    }
  }

  /** Returns false, and changes nothing, unless the run is pending. */
  markRunning(id: string, startedAt: number): boolean {
    return this.#group.write({ op: 'running', id, startedAt });
  }

  /** A final status never changes: returns false, and changes nothing, when the run has one or is unknown. */
  finish(id: string, run: ResultRow): boolean {
    const order = Math.max(this.#lastFinish + 1, run.finishedAt);
    if (!this.#group.write({ op: 'finish', id, order, run })) return false;
    this.#lastFinish = order;
    this.#finished.changed(1, run.outputBytes);
    return true;
  }

  /**
   * Why an unfinished run is to stop; the first reason stays. Committed when this returns: what is stopped is told
   * to stop only then, so that no crash forgets why it did.
   */
  setAbort(id: string, reason: string): void {
    this.#group.write({ op: 'abort', id, reason });
    this.#group.flush();
  }

  get(id: string): StoredRun | undefined {
    this.#group.ready();
    return told(this.#sql.get.get(id));
  }

  /** Is there a run whose directory has this name. */
  hasDirectory(name: string): boolean {
    this.#group.ready();
    return this.#sql.hasDirectory.get(name, name) !== undefined;
  }

  findByKey(idempotencyKey: string): StoredRun | undefined {
    this.#group.ready();
    return told(this.#sql.findByKey.get(idempotencyKey) ?? this.#sql.findByJoinedKey.get(idempotencyKey));
  }

  /** From now on the key, which is free, is that of this run too. */
  joinKey(id: string, key: string): void {
    this.#group.write({ op: 'join', id, key });
  }

  /** How many keys have joined a run. */
  joinedKeys(id: string): number {
    this.#group.ready();
    return this.#sql.joinedKeys.get(id)?.count as number;
  }

  /** Newest first. Throws RunwireError invalid_field for a cursor that is not ours. */
  list(filter: StoreFilter): { rows: StoredRun[]; nextCursor: string | null } {
    this.#group.ready();
    return this.#lists.page(filter);
  }

  /** Runs without a final status, in order of acceptance; each is read when it is come to. */
  unfinished(): Iterable<UnfinishedRun> {
    this.#group.ready();
    return this.#unfinished.each();
  }

  /**
   * The machine's present boot, before `unfinished`: when it is another one than before, what is running now is
   * `rebooted`. Returns how that is written, as often as it takes; null when there is nothing to write.
   */
  noteBoot(boot: string): (() => void) | null {
    this.#group.ready();
    const operation = this.#unfinished.boot(boot);
    return operation && (() => void this.#group.write(operation));
  }

  /** Forget a finished run, but for its id. Returns false, and changes nothing, when it is not finished or unknown. */
  remove(id: string, reason: RemovalReason = 'deleted'): boolean {
    this.#group.ready();
    const bytes = this.#finished.bytesOf(id);
    if (!this.#group.write({ op: 'remove', id, removed: { removedAt: Date.now(), reason } })) return false;
    this.#finished.changed(-1, bytes);
    return true;
  }

  /** All that is stored of a run, to put it back once it was removed. */
  rowsOf(id: string): { id: string; rows: StoredRows } {
    this.#group.ready();
    const n = this.#sql.get.get(id)?.n ?? null;
    const rows = TABLES.flatMap((table, at) =>
      (this.#sql.rows[at]?.all(n) ?? []).map((row) => [table, Object.values(row)] as const),
    );
    return { id, rows };
  }

  /** As if it had never been removed. Throws DuplicateRun when the id or the key is taken by now. */
  putBack(stored: { id: string; rows: StoredRows }): void {
    try {
      this.#group.write({ op: 'restore', ...stored });
      this.#finished.recount();
    } catch (error) {
      throw orDuplicate(error);
    }
  }

  /** Bring the write-ahead log into the database where that can be done: then it is written anew from its beginning. */
  reuseLog(): void {
    this.#group.carry();
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // The database has no room for it. It stays in the log, and whoever writes next hears of it.
    }
  }

  /** What is remembered of a run that was removed. */
  removed(id: string): RemovedRun | undefined {
    this.#group.ready();
    return this.#removed.get(id);
  }

  /** A settled delivery is not tried again, and its secret is erased. */
  setDelivery(id: string, delivery: string, settled: boolean): void {
    this.#group.write({ op: 'delivery', id, delivery, settled });
  }

  /** The delivery of a finished run; undefined when it has none or the run is gone. */
  delivery(id: string): StoredDelivery | undefined {
    this.#group.ready();
    return this.#deliveries.get(id);
  }

  /** Deliveries of finished runs that are not settled, in order of acceptance. */
  pendingDeliveries(): { id: string; delivery: string }[] {
    this.#group.ready();
    return this.#deliveries.pending();
  }

  /** Finished runs and the sum of their outputBytes. They are all read the first time, and after a write was lost. */
  finishedTotals(): { count: number; bytes: number } {
    this.#group.ready();
    return this.#finished.totals();
  }

  /** Finished runs after `after`, in the order in which they finished; not those whose delivery is still pending. */
  oldestFinished(after: { order: number; n: number }, limit: number): RetentionCandidate[] {
    this.#group.ready();
    return this.#finished.oldest(after, limit);
  }

  /** How many runs have each status. Reads every run's index entry: for a metrics scrape, not per request. */
  counts(): Record<Status, number> {
    this.#group.ready();
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
    for (const row of this.#sql.counts.all()) counts[row.status as Status] = row.count as number;
    return counts;
  }

  /** Resolves when a crash cannot lose what was written so far; rejects when it is lost: GroupCommit. */
  committed(): Promise<void> {
    return this.#group.committed();
  }

  /** Commit what is open and close. The last use of the store. */
  close(): void {
    this.#group.close();
    void this.#walSync?.stop();
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // What the database does not take now stays in the log, and the next start takes it up.
    }
    this.#db.close();
    this.#redo.close();
  }
}

function told(row: Record<string, SQLOutputValue> | undefined): StoredRun | undefined {
  return row && rowInRxpWords(row as unknown as StoredRun);
}

function prepareAll(db: DatabaseSync) {
  const sql = (text: string) => db.prepare(text);
  return {
    get: sql(`${FIND} WHERE r.id = ?`),
    rows: TABLES.map((table) => sql(`SELECT * FROM ${table} WHERE n = ?`)),
    findByKey: sql(`${FIND} WHERE r.idempotency_key = ?`),
    findByJoinedKey: sql(`${FIND} WHERE r.n = (SELECT n FROM joined_keys WHERE key = ?)`),
    joinedKeys: sql('SELECT count(*) AS count FROM joined_keys k JOIN runs r ON r.n = k.n WHERE r.id = ?'),
    hasDirectory: sql(`SELECT 1 FROM directories WHERE name = ?
      UNION ALL SELECT 1 FROM runs r WHERE r.id = ? AND NOT EXISTS (SELECT 1 FROM directories x WHERE x.n = r.n)`),
    counts: sql('SELECT status, count(*) AS count FROM runs GROUP BY status'),
  };
}
