import type { DiscardedFiles } from './discarded-files.ts';
import { RunwireError } from './errors.ts';
import type { InvocationStore } from './invocation-store.ts';
import type { RemovalReason } from './removed-runs.ts';
import type { RunViews } from './run-views.ts';

export interface RemovalParts {
  store: Pick<InvocationStore, 'remove' | 'committed'>;
  views: RunViews;
  discarded: DiscardedFiles;
  log: { warn(facts: object, message: string): void };
}

/**
 * Takes a finished run away: its record at once, its files as soon as nobody reads them any more. An answer that is
 * under way is sent to its end.
 */
export async function removeRun(parts: RemovalParts, id: string, reason: RemovalReason): Promise<void> {
  const { store, views, discarded, log } = parts;
  const { id: known } = views.stored(id);
  const files = discarded.take(known);
  const readers = views.depart(known, files.directory);
  try {
    if (!store.remove(known, reason)) throw new RunwireError('not_finished', `${known} has not finished`);
    await store.committed();
  } catch (error) {
    files.restore();
    readers.stay();
    throw error;
  }
  if (readers.gone === null) return files.drop();
  readers.gone
    .then(() => files.drop())
    .catch((err) => log.warn({ invocation_id: known, err }, 'files could not be removed'));
}
