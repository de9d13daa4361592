import type { Workspace, WorkspaceInput, WorkspaceState } from '../documents/workspace.ts';
import { parseJson } from '../platform/json-parse.ts';
import type { StoredWorkspace, WorkspaceFacts } from '../store/workspaces.ts';
import type { Space } from './space.ts';

/** What was asked for, without the files, which have been put in. */
export type KeptInput = Omit<WorkspaceInput, 'files' | 'workspace_id'>;

export const inputOf = ({ input }: StoredWorkspace): KeptInput => parseJson(input) as KeptInput;

export function newFacts(input: KeptInput, now: number): WorkspaceFacts {
  return {
    state: 'filling',
    reason: null,
    baseSnapshot: null,
    bytes: 0,
    files: 0,
    restoring: null,
    ...usedAt(input, now),
  };
}

/** It was used: its time begins again. */
export function usedAt(
  { ttl_seconds }: KeptInput,
  now: number,
): { lastUsedAt: number; expiresAt: number | null } {
  return {
    lastUsedAt: now,
    expiresAt: ttl_seconds === undefined ? null : Math.ceil(now + ttl_seconds * 1000),
  };
}

/** Who is told that it is ready may use it: what is done after its record is part of the work. */
export function stateOf(row: StoredWorkspace, space: Space | undefined): WorkspaceState {
  if (space?.restoring) return 'restoring';
  return space?.filling ? 'filling' : row.state;
}

/** As clients see it. `space`: what goes on in it now. */
export function describeWorkspace(
  row: StoredWorkspace,
  space: Space | undefined,
  defaultMaxBytes: number | null,
): Workspace {
  const input = inputOf(row);
  const self = `/workspaces/${row.id}`;
  return {
    workspace_id: row.id,
    state: stateOf(row, space),
    reason: row.reason,
    base_snapshot: row.baseSnapshot,
    bytes: row.bytes,
    files: row.files,
    max_bytes: input.max_bytes ?? defaultMaxBytes,
    metadata: input.metadata ?? {},
    created_at: new Date(row.createdAt).toISOString(),
    last_used_at: new Date(row.lastUsedAt).toISOString(),
    expires_at: row.expiresAt === null ? null : new Date(row.expiresAt).toISOString(),
    runs: { running: space?.line.running ?? 0, queued: space?.line.queued ?? 0 },
    links: {
      self,
      files: `${self}/files`,
      archive: `${self}/archive`,
      snapshots: `${self}/snapshots`,
    },
  };
}
