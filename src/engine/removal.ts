import type { DiscardedFiles } from '../disk/discarded.ts';
import { nameOf } from '../disk/run-directory.ts';
import type { DiskSpace } from '../disk/space.ts';
import { RunwireError } from '../documents/errors.ts';
import type { SessionRuns } from '../run/session-runs.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { storeRemoval } from '../store/making-room.ts';
import type { RemovalReason } from '../store/removed-runs.ts';
import type { Workspaces } from '../workspaces/workspaces.ts';
import type { RunViews } from './views.ts';

export interface RemovalParts {
  store: Pick<InvocationStore, 'remove' | 'rowsOf' | 'putBack' | 'committed' | 'reuseLog'>;
  views: RunViews;
  discarded: DiscardedFiles;
  disk: DiskSpace;
  log: { warn(facts: object, message: string): void };
}

/**
 * Takes a finished run away: its record at once, its files as soon as nobody reads them any more. An answer that is
 * under way is sent to its end. Rejects, with the record kept, when record or files cannot be deleted; of the files
 * some may be gone then.
 */
export async function removeRun(parts: RemovalParts, id: string, reason: RemovalReason): Promise<void> {
  const { store, views, discarded, disk, log } = parts;
  const { id: known } = views.stored(id);
  const home = views.directory(known);
  const rows = store.rowsOf(known);
  const files = discarded.take(nameOf(home));
  const readers = views.depart(known, files.directory, home);
  try {
    await storeRemoval(store, disk, () => {
      if (!store.remove(known, reason)) throw new RunwireError('not_finished', `${known} has not finished`);
    });
  } catch (error) {
    files.restore();
    readers.stay();
    throw error;
  }
  if (readers.gone === null) {
    try {
      return await files.drop();
    } catch (error) {
      files.restore();
      await storeRemoval(store, disk, () => store.putBack(rows));
      throw error;
    }
  }
  readers.gone
    .then(() => files.drop())
    .catch((err) => log.warn({ invocation_id: known, err }, 'files could not be removed'));
}

/** Throws RunwireError where somebody else still needs it. */
export function refuseRemoval(
  id: string,
  {
    sessions,
    workspaces,
  }: {
    sessions: Pick<SessionRuns, 'keeps'> | undefined;
    workspaces: Pick<Workspaces, 'filledFromRun'> | undefined;
  },
): void {
  const session = sessions?.keeps(id) ?? null;
  if (session !== null)
    throw new RunwireError('session_busy', `${id} has set up the session ${session}: delete that first`);
  const filled = workspaces?.filledFromRun(id) ?? null;
  if (filled !== null)
    throw new RunwireError('workspace_busy', `the workspace ${filled} is being filled with what ${id} made`);
}
