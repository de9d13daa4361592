import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { codeOf, messageOf } from '../platform/error-words.ts';

/**
 * Each entry brings a database from the version of its index to the next; `user_version` counts them.
 * Entries that were released are never edited.
 *
 * `runs` is narrow, so that filters that no index answers alone still scan little; the documents are
 * beside it, appended and never rewritten. `n` is the order of acceptance. Webhook secrets are in
 * `deliveries.secret` only, and only until the delivery is settled.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE runs (
     n INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     status TEXT NOT NULL,
     runtime_kind TEXT NOT NULL,
     runtime_name TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     started_at INTEGER,
     finished_at INTEGER,
     output_bytes INTEGER,
     fingerprint TEXT,
     idempotency_key TEXT
   ) STRICT;
   CREATE UNIQUE INDEX runs_by_key ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;
   CREATE INDEX runs_by_status ON runs (status);
   CREATE INDEX runs_by_kind ON runs (runtime_kind);
   CREATE INDEX runs_by_name ON runs (runtime_name);
   CREATE INDEX runs_by_finish ON runs (finished_at) WHERE finished_at IS NOT NULL;
   CREATE TABLE invocations (n INTEGER PRIMARY KEY, invocation TEXT NOT NULL) STRICT;
   CREATE TABLE results (n INTEGER PRIMARY KEY, result TEXT NOT NULL, outcome TEXT NOT NULL) STRICT;
   CREATE TABLE deliveries (
     n INTEGER PRIMARY KEY,
     delivery TEXT NOT NULL,
     secret TEXT,
     settled INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX deliveries_open ON deliveries (n) WHERE settled = 0;`,
  // The number of the last turn of the redo log that is in this database.
  `CREATE TABLE redo (applied INTEGER NOT NULL) STRICT;
   INSERT INTO redo VALUES (0);`,
  // Why a run is being stopped: an AbortReason as JSON.
  'CREATE TABLE aborts (n INTEGER PRIMARY KEY, reason TEXT NOT NULL) STRICT;',
  // Runs that were removed, in order of removal: see removed-runs.ts.
  `CREATE TABLE removed (
     n INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     removed_at INTEGER NOT NULL,
     reason TEXT NOT NULL
   ) STRICT;`,
  // finished_at, but never before that of a run that had finished before: a wall clock may be set back.
  `ALTER TABLE runs ADD COLUMN finish_order INTEGER;
   UPDATE runs SET finish_order = finished_at;
   DROP INDEX runs_by_finish;
   CREATE INDEX runs_by_finish ON runs (finish_order) WHERE finish_order IS NOT NULL;`,
  // The trace context of the request that a run came with.
  'CREATE TABLE traces (n INTEGER PRIMARY KEY, traceparent TEXT NOT NULL) STRICT;',
  // The boot of the machine, and the runs that were running when it was another.
  `CREATE TABLE boot (id TEXT NOT NULL) STRICT;
   CREATE TABLE rebooted (n INTEGER PRIMARY KEY) STRICT;`,
  // Names of the directories of runs, where they are not the id.
  'CREATE TABLE directories (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;',
  // Directories that outlive a run, trees as they were at one moment, and what was removed of both: removed-runs.ts.
  `CREATE TABLE workspaces (
     n INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     fingerprint TEXT,
     input TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     base_snapshot TEXT,
     bytes INTEGER NOT NULL,
     files INTEGER NOT NULL,
     last_used_at INTEGER NOT NULL,
     expires_at INTEGER,
     restoring TEXT
   ) STRICT;
   CREATE INDEX workspaces_by_expiry ON workspaces (expires_at) WHERE expires_at IS NOT NULL;
   CREATE INDEX workspaces_unready ON workspaces (n) WHERE state IN ('filling', 'restoring');
   CREATE TABLE snapshots (
     n INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     workspace TEXT NOT NULL,
     origin TEXT NOT NULL,
     digest TEXT NOT NULL,
     files INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     omitted TEXT NOT NULL,
     metadata TEXT NOT NULL,
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX snapshots_by_workspace ON snapshots (workspace);
   CREATE TABLE removed_workspaces (
     n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, removed_at INTEGER NOT NULL, reason TEXT NOT NULL
   ) STRICT;
   CREATE TABLE removed_snapshots (
     n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, removed_at INTEGER NOT NULL, reason TEXT NOT NULL
   ) STRICT;`,
  // Versions of environment specs, the names of them (`version`: the last one there was, `newest`: its row, null where the
  // name was removed, and then in which order), and which one a run was made with.
  `CREATE TABLE specs (
     n INTEGER PRIMARY KEY,
     name TEXT NOT NULL,
     version INTEGER NOT NULL,
     digest TEXT NOT NULL,
     document TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     kept INTEGER NOT NULL,
     UNIQUE (name, version)
   ) STRICT;
   CREATE INDEX specs_kept ON specs (n) WHERE kept = 1;
   CREATE TABLE spec_names (
     name TEXT PRIMARY KEY, version INTEGER NOT NULL, newest INTEGER, removed INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX spec_names_newest ON spec_names (newest) WHERE newest IS NOT NULL;
   CREATE INDEX spec_names_removed ON spec_names (removed) WHERE removed IS NOT NULL;
   CREATE TABLE run_specs (
     n INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL
   ) STRICT;`,
  // Environments that are set up once for many runs, and which snapshots are their checkpoints (n: of the session).
  `CREATE TABLE sessions (
     n INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     fingerprint TEXT,
     input TEXT NOT NULL,
     workspace TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     state TEXT NOT NULL,
     unsettled INTEGER NOT NULL,
     expires_at INTEGER,
     setup TEXT NOT NULL,
     facts TEXT NOT NULL
   ) STRICT;
   CREATE INDEX sessions_by_expiry ON sessions (expires_at) WHERE expires_at IS NOT NULL;
   CREATE INDEX sessions_unsettled ON sessions (n) WHERE unsettled = 1;
   CREATE INDEX sessions_by_setup ON sessions (setup);
   CREATE INDEX sessions_by_workspace ON sessions (workspace);
   CREATE TABLE checkpoints (
     n INTEGER NOT NULL,
     snapshot TEXT NOT NULL,
     since TEXT NOT NULL,
     PRIMARY KEY (n, snapshot)
   ) STRICT;`,
  // Idempotency-Keys that came with the id of a run which was there already.
  `CREATE TABLE joined_keys (n INTEGER NOT NULL, key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
   CREATE INDEX joined_keys_by_run ON joined_keys (n);`,
  // Versions of assets and the names of them (as of specs), which of them a run has (JSON: [{name, version}, …]), and which
  // ones an environment spec names (n: of the spec; version NULL: the newest).
  `CREATE TABLE assets (
     n INTEGER PRIMARY KEY,
     name TEXT NOT NULL,
     version INTEGER NOT NULL,
     type TEXT NOT NULL,
     digest TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     files INTEGER NOT NULL,
     media_type TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     UNIQUE (name, version)
   ) STRICT;
   CREATE INDEX assets_by_digest ON assets (digest);
   CREATE TABLE asset_names (
     name TEXT PRIMARY KEY, version INTEGER NOT NULL, newest INTEGER, removed INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX asset_names_newest ON asset_names (newest) WHERE newest IS NOT NULL;
   CREATE INDEX asset_names_removed ON asset_names (removed) WHERE removed IS NOT NULL;
   CREATE TABLE run_assets (n INTEGER PRIMARY KEY, assets TEXT NOT NULL) STRICT;
   CREATE TABLE spec_assets (n INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER) STRICT;
   CREATE INDEX spec_assets_by_spec ON spec_assets (n);
   CREATE INDEX spec_assets_by_name ON spec_assets (name);`,
  // What else came with the trace context of a request.
  'CREATE TABLE trace_lists (n INTEGER PRIMARY KEY, tracestate TEXT, baggage TEXT) STRICT;',
];

/** Pages of the log before they are carried into the database: 16 MiB, synced before in the background (wal-sync.ts). */
const WAL_PAGES = 4000;

export interface DatabaseOptions {
  /** Sync to the disk at every commit, so that a power cut loses nothing either. Default: at checkpoints. */
  fsync?: boolean;
}

/**
 * Open the database, for this process alone, and bring it to the newest version.
 * Throws an Error with one clear line when the file is of a newer version, in use, or no database.
 */
export function openDatabase(file: string, options: DatabaseOptions = {}): DatabaseSync {
  const db = openFile(file);
  try {
    // Exclusive: a second server on the same file is refused, and no lock is taken per transaction.
    db.exec(`PRAGMA busy_timeout = 2000;
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${options.fsync ? 'FULL' : 'NORMAL'};
      PRAGMA cache_size = -16000;
      PRAGMA cache_spill = OFF;
      PRAGMA wal_autocheckpoint = ${WAL_PAGES};
      BEGIN IMMEDIATE`);
    migrate(db, file);
    db.exec('COMMIT');
  } catch (error) {
    db.close();
    throw explain(error, file);
  }
  return db;
}

function migrate(db: DatabaseSync, file: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  if (version > MIGRATIONS.length)
    throw new Error(
      `${file} was written by a newer Runwire (schema ${version}; this one knows up to ${MIGRATIONS.length})`,
    );
  if (version === MIGRATIONS.length) return; // nothing is written: a server starts on a full disk too
  for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
  db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
}

/** SQLite says of no file why it cannot be opened; the system does. */
function openFile(file: string): DatabaseSync {
  createPrivate(file);
  try {
    closeSync(openSync(file, 'r+'));
  } catch (error) {
    throw new Error(`${file} cannot be opened: ${messageOf(error).replace(/^\w+: |, open '.*$/gs, '')}`, {
      cause: error,
    });
  }
  return new DatabaseSync(file);
}

/** SQLite makes files that anyone may read; environments and secrets are in this one. */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  const primary = Number(error.errcode) & 0xff;
  const why =
    primary === 5 || primary === 6
      ? 'is in use by another Runwire'
      : primary === 26
        ? 'is not a database'
        : `cannot be opened: ${error.message}`;
  return new Error(`${file} ${why}`, { cause: error });
}
