import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { FinalStatus } from '../documents/result.ts';
import {
  type AssetOfRun,
  type AssetOperation,
  assetOperations,
  isAssetOperation,
} from './asset-operations.ts';
import { type RemovedRun, RemovedRuns } from './removed-runs.ts';
import { isSessionOperation, type SessionOperation, sessionOperations } from './session-operations.ts';
import { isSpaceOperation, type SpaceOperation, spaceOperations } from './space-operations.ts';
import { isSpecOperation, type SpecOfRun, type SpecOperation, specOperations } from './spec-operations.ts';

export interface NewRun {
  id: string;
  status: 'pending' | 'running';
  runtimeKind: string;
  runtimeName: string;
  createdAt: number;
  startedAt: number | null;
  fingerprint: string | null;
  idempotencyKey: string | null;
  /** Redacted (redactInvocation): clients see it. */
  invocation: string;
  /** Where to send the result; absent for most runs. */
  delivery?: { delivery: string; secret: string | null };
  /** Trace context of the request, header by header; absent for most runs. */
  traceparent?: string;
  tracestate?: string;
  baggage?: string;
  /** Name of its directory; absent: its id. */
  directory?: string;
  /** What it was made with; absent for most runs. */
  environmentSpec?: SpecOfRun;
  /** Which versions it has; absent for most runs. */
  assets?: readonly AssetOfRun[];
}

export interface ResultRow {
  status: FinalStatus;
  finishedAt: number;
  result: string;
  outcome: string;
  /** Bytes on disk, for retention. */
  outputBytes: number;
}

/** Where a run has rows. */
export const TABLES = [
  'runs',
  'invocations',
  'results',
  'deliveries',
  'aborts',
  'traces',
  'trace_lists',
  'rebooted',
  'directories',
  'run_specs',
  'joined_keys',
  'run_assets',
] as const;
/** The rows of a run: their values in the order of the columns; none where a table has no row of it. */
export type StoredRows = readonly (readonly [table: (typeof TABLES)[number], values: SQLOutputValue[]])[];

/** A write to the store as the redo log keeps it: plain JSON, and the same whenever it is done. */
export type StoreOperation =
  | { op: 'insert'; n: number; run: NewRun }
  | { op: 'join'; id: string; key: string }
  | { op: 'running'; id: string; startedAt: number }
  | { op: 'finish'; id: string; order: number; run: ResultRow }
  | { op: 'abort'; id: string; reason: string }
  | { op: 'boot'; boot: string; interrupted: number[] }
  | { op: 'remove'; id: string; removed: RemovedRun }
  | { op: 'restore'; id: string; rows: StoredRows }
  | { op: 'delivery'; id: string; delivery: string; settled: boolean }
  | SpaceOperation
  | SpecOperation
  | AssetOperation
  | SessionOperation;

/** How operations are done. False: it changed nothing. Throws what SQLite throws. */
export function storeOperations(db: DatabaseSync): (operation: StoreOperation) => boolean {
  const sql = (text: string) => db.prepare(text);
  const insert = sql('INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?, NULL)');
  const insertInvocation = sql('INSERT INTO invocations VALUES (?, ?)');
  const insertDelivery = sql('INSERT INTO deliveries VALUES (?, ?, ?, 0)');
  const insertTrace = sql('INSERT INTO traces VALUES (?, ?)');
  const insertTraceLists = sql('INSERT INTO trace_lists VALUES (?, ?, ?)');
  const insertDirectory = sql('INSERT INTO directories VALUES (?, ?)');
  const join = sql('INSERT INTO joined_keys SELECT n, ? FROM runs WHERE id = ?');
  const insertSpec = sql('INSERT INTO run_specs VALUES (?, ?, ?, ?)');
  const insertAssets = sql('INSERT INTO run_assets VALUES (?, ?)');
  const markRunning = sql(
    "UPDATE runs SET status = 'running', started_at = ? WHERE id = ? AND status = 'pending'",
  );
  const finish = sql(
    `UPDATE runs SET status = ?, finished_at = ?, finish_order = ?, output_bytes = ?
      WHERE id = ? AND finished_at IS NULL RETURNING n`,
  );
  const insertResult = sql('INSERT INTO results VALUES (?, ?, ?)');
  const setAbort =
    sql(`INSERT INTO aborts (n, reason) SELECT n, ? FROM runs WHERE id = ? AND finished_at IS NULL
    ON CONFLICT DO NOTHING`);
  const remove = sql('DELETE FROM runs WHERE id = ? AND finished_at IS NOT NULL RETURNING n');
  const removeParts = TABLES.filter((table) => table !== 'runs').map((table) =>
    sql(`DELETE FROM ${table} WHERE n = ?`),
  );
  const removals = new RemovedRuns(db);
  const boot = sql('SELECT id FROM boot');
  const firstBoot = sql('INSERT INTO boot VALUES (?)');
  const nextBoot = sql('UPDATE boot SET id = ?');
  const setRebooted = sql(
    'INSERT OR IGNORE INTO rebooted SELECT n FROM runs WHERE n = ? AND finished_at IS NULL',
  );
  const setDelivery = sql(`UPDATE deliveries SET delivery = ?, settled = ?, secret = iif(?, NULL, secret)
    WHERE n = (SELECT n FROM runs WHERE id = ?)`);
  const spaces = spaceOperations(db);
  const specs = specOperations(db);
  const assets = assetOperations(db);
  const sessions = sessionOperations(db);

  return (operation) => {
    if (isSpaceOperation(operation)) return spaces(operation);
    if (isSpecOperation(operation)) return specs(operation);
    if (isAssetOperation(operation)) return assets(operation);
    if (isSessionOperation(operation)) return sessions(operation);
    switch (operation.op) {
      case 'insert': {
        const { n, run } = operation;
        const { id, status, runtimeKind, runtimeName, createdAt, startedAt, fingerprint, idempotencyKey } =
          run;
        insert.run(
          n,
          id,
          status,
          runtimeKind,
          runtimeName,
          createdAt,
          startedAt,
          fingerprint,
          idempotencyKey,
        );
        insertInvocation.run(n, run.invocation);
        if (run.delivery) insertDelivery.run(n, run.delivery.delivery, run.delivery.secret);
        if (run.traceparent !== undefined) insertTrace.run(n, run.traceparent);
        if (run.tracestate !== undefined || run.baggage !== undefined)
          insertTraceLists.run(n, run.tracestate ?? null, run.baggage ?? null);
        if (run.directory !== undefined) insertDirectory.run(n, run.directory);
        const { environmentSpec: spec } = run;
        if (spec !== undefined) insertSpec.run(n, spec.name, spec.version, spec.digest);
        if (run.assets !== undefined && run.assets.length > 0) insertAssets.run(n, wordsOf(run.assets));
        return true;
      }
      case 'join':
        return join.run(operation.key, operation.id).changes === 1;
      case 'running':
        return markRunning.run(operation.startedAt, operation.id).changes === 1;
      case 'finish': {
        const { status, finishedAt, outputBytes, result, outcome } = operation.run;
        const row = finish.get(status, finishedAt, operation.order, outputBytes, operation.id);
        if (row === undefined) return false;
        insertResult.run(row.n as number, result, outcome);
        return true;
      }
      case 'abort':
        return setAbort.run(operation.reason, operation.id).changes === 1;
      case 'boot': {
        if (boot.get() === undefined) firstBoot.run(operation.boot);
        else nextBoot.run(operation.boot);
        for (const n of operation.interrupted) setRebooted.run(n);
        return true;
      }
      case 'remove': {
        const row = remove.get(operation.id);
        if (row === undefined) return false;
        for (const statement of removeParts) statement.run(row.n as number);
        removals.add(operation.id, operation.removed);
        return true;
      }
      case 'restore':
        for (const [table, values] of operation.rows)
          if (values.length > 0) sql(`INSERT INTO ${table} VALUES (${values.map(() => '?')})`).run(...values);
        removals.forget(operation.id);
        return true;
      case 'delivery': {
        const settled = operation.settled ? 1 : 0;
        return setDelivery.run(operation.delivery, settled, settled, operation.id).changes === 1;
      }
    }
  };
}

const wordsOf = (assets: readonly AssetOfRun[]): string =>
  JSON.stringify(assets.map(({ name, version }) => ({ name, version })));
