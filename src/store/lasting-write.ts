import { setTimeout as sleep } from 'node:timers/promises';

/** How long a failed store is left alone before it is tried again. */
const RETRY_MS = 1000;

/**
 * Write to the store until it is durable. For what must not be given up: the store has reported the
 * failure, and a full disk may get space again.
 */
export async function writeUntilStored(
  store: { committed(): Promise<void> },
  write: () => unknown,
): Promise<void> {
  for (;;)
    try {
      write();
      return await store.committed();
    } catch {
      await sleep(RETRY_MS, undefined, { ref: false });
    }
}
