import { setImmediate as turn } from 'node:timers/promises';
import { RunwireError } from '../documents/errors.ts';
import type { InvocationStore } from './invocation-store.ts';

/**
 * Stores a removal. Deleting makes room: where there is none for the record of it, it may have what is held back for that.
 * Throws what the store throws when that is not enough.
 */
export async function storeRemoval(
  store: Pick<InvocationStore, 'committed' | 'reuseLog'>,
  disk: { spendReserve(): void },
  write: () => void,
): Promise<void> {
  try {
    write();
    await store.committed();
  } catch (error) {
    if (!(error instanceof RunwireError) || error.code !== 'insufficient_storage') throw error;
    await turn(); // the write that failed is over with its turn
    disk.spendReserve();
    store.reuseLog();
    write();
    await store.committed();
  }
}
