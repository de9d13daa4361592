import type { DatabaseSync } from 'node:sqlite';
import type { WorkspaceState } from '../documents/workspace.ts';
import { type RemovedRun, RemovedRuns } from './removed-runs.ts';

/** What stays of a workspace as it was made. Times are ms since the epoch. */
export interface NewWorkspace {
  n: number;
  id: string;
  /** SHA-256 of what was sent; null: the server made the id, so that it cannot be sent again. */
  fingerprint: string | null;
  /** JSON of what was asked for, without files. */
  input: string;
  createdAt: number;
}

/** What changes of it. */
export interface WorkspaceFacts {
  state: WorkspaceState;
  /** Why it failed. */
  reason: string | null;
  baseSnapshot: string | null;
  bytes: number;
  files: number;
  lastUsedAt: number;
  expiresAt: number | null;
  /** What a restore that was begun makes of it, as JSON. */
  restoring: string | null;
}

export interface StoredSnapshot {
  n: number;
  id: string;
  workspace: string;
  /** What it was taken for: the same is the same again. */
  origin: string;
  digest: string;
  files: number;
  bytes: number;
  /** JSON. */
  omitted: string;
  metadata: string;
  createdAt: number;
}

/** Writes about workspaces and snapshots, as the redo log keeps them: see operations.ts. */
export type SpaceOperation =
  | { op: 'workspace'; workspace: NewWorkspace; facts: WorkspaceFacts }
  | { op: 'workspace-facts'; n: number; facts: WorkspaceFacts }
  | { op: 'workspace-removed'; id: string; removed: RemovedRun }
  | { op: 'snapshot'; snapshot: StoredSnapshot }
  | { op: 'snapshot-removed'; id: string; removed: RemovedRun };

const OPERATIONS: ReadonlySet<string> = new Set<SpaceOperation['op']>([
  'workspace',
  'workspace-facts',
  'workspace-removed',
  'snapshot',
  'snapshot-removed',
]);

export function isSpaceOperation(operation: { op: string }): operation is SpaceOperation {
  return OPERATIONS.has(operation.op);
}

/** How they are done. False: it changed nothing. Throws what SQLite throws. */
export function spaceOperations(db: DatabaseSync): (operation: SpaceOperation) => boolean {
  const sql = (text: string) => db.prepare(text);
  const insert = sql('INSERT INTO workspaces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const update = sql(`UPDATE workspaces SET state = ?, reason = ?, base_snapshot = ?, bytes = ?, files = ?,
    last_used_at = ?, expires_at = ?, restoring = ? WHERE n = ?`);
  const remove = sql('DELETE FROM workspaces WHERE id = ?');
  const insertSnapshot = sql('INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const removeSnapshot = sql('DELETE FROM snapshots WHERE id = ?');
  const removals = new RemovedRuns(db, undefined, 'removed_workspaces');
  const snapshotRemovals = new RemovedRuns(db, undefined, 'removed_snapshots');

  return (operation) => {
    switch (operation.op) {
      case 'workspace': {
        const { n, id, fingerprint, input, createdAt } = operation.workspace;
        insert.run(n, id, fingerprint, input, createdAt, ...columnsOf(operation.facts));
        return true;
      }
      case 'workspace-facts':
        return update.run(...columnsOf(operation.facts), operation.n).changes === 1;
      case 'workspace-removed': {
        if (remove.run(operation.id).changes === 0) return false;
        removals.add(operation.id, operation.removed);
        return true;
      }
      case 'snapshot': {
        const { n, id, workspace, origin, digest, files, bytes, omitted, metadata, createdAt } =
          operation.snapshot;
        insertSnapshot.run(n, id, workspace, origin, digest, files, bytes, omitted, metadata, createdAt);
        return true;
      }
      case 'snapshot-removed': {
        if (removeSnapshot.run(operation.id).changes === 0) return false;
        snapshotRemovals.add(operation.id, operation.removed);
        return true;
      }
    }
  };
}

function columnsOf(facts: WorkspaceFacts) {
  const { state, reason, baseSnapshot, bytes, files, lastUsedAt, expiresAt, restoring } = facts;
  return [state, reason, baseSnapshot, bytes, files, lastUsedAt, expiresAt, restoring] as const;
}
