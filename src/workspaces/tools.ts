import { setTimeout as sleep } from 'node:timers/promises';
import type { DiscardedFiles } from '../disk/discarded.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { DiskSpace } from '../disk/space.ts';
import { type WorkspaceDirectory, workspaceDirectory } from '../disk/workspace-directory.ts';
import { RunwireError } from '../documents/errors.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { StoredWorkspace } from '../store/workspaces.ts';
import type { Shots, SpaceLog } from './shots.ts';
import type { LiveSpaces } from './space.ts';
import type { TreeCounts } from './tree-counts.ts';
import type { TreeHands } from './tree-hands.ts';

/** What all that is done to workspaces works with. */
export interface SpaceTools {
  dataDir: string;
  store: InvocationStore;
  hands: TreeHands;
  places: PrivatePlaces;
  disk: DiskSpace;
  discarded: DiscardedFiles;
  shots: Shots;
  counts: TreeCounts;
  spaces: LiveSpaces;
  log: SpaceLog;
  /** Bytes of one that says nothing itself. */
  maxBytes: number;
  /** ms since the epoch, by which what is not used gets old. */
  now: () => number;
  /** Whose it is, in words; null: nobody's. */
  holderOf: (id: string) => string | null;
  /** Aborted when the server stops: what is not done then is the next one's. */
  closed: AbortSignal;
}

/** A write that failed, and a restore, are tried again after so long. */
export const AGAIN_MS = 1000;

/** Writes until it is durable, or the server stops: then it is the next one's. False: that. */
export async function storeUnlessClosed(
  { store, closed }: Pick<SpaceTools, 'store' | 'closed'>,
  write: () => unknown,
): Promise<boolean> {
  while (!closed.aborted)
    try {
      write();
      await store.committed();
      return true;
    } catch {
      // The store has told of it, and a full disk may get space again.
      await sleep(AGAIN_MS, undefined, { signal: closed, ref: false }).catch(() => {});
    }
  return false;
}

export function directoryOf({ dataDir }: Pick<SpaceTools, 'dataDir'>, id: string): WorkspaceDirectory {
  return workspaceDirectory(dataDir, id);
}

/** Throws workspace_not_found, workspace_removed. */
export function rowOf({ store: { workspaces } }: Pick<SpaceTools, 'store'>, id: string): StoredWorkspace {
  const row = workspaces.get(id);
  if (row) return row;
  const removed = workspaces.removed(id);
  if (!removed) throw new RunwireError('workspace_not_found', `There is no workspace ${id}.`);
  const time = new Date(removed.removedAt).toISOString();
  const how =
    removed.reason === 'expired' ? 'was not used for its ttl_seconds and was removed' : 'was deleted';
  throw new RunwireError('workspace_removed', `The workspace ${id} ${how} at ${time}.`);
}

export function failed(id: string, reason: string | null): RunwireError {
  const words = `The workspace ${id} could not be filled (delete it and make it again): ${reason}`;
  return new RunwireError('workspace_failed', words);
}

/** The same of one whose files are as they should be. Throws workspace_failed and workspace_busy too. */
export function steadyRowOf(tools: Pick<SpaceTools, 'store' | 'spaces'>, id: string): StoredWorkspace {
  const row = rowOf(tools, id);
  if (row.state === 'failed') throw failed(id, row.reason);
  tools.spaces.peek(id)?.refuseUnsteady();
  return row;
}
