import { close, fdatasync, openSync } from 'node:fs';

/** Between two syncs, so that many commits share one. */
const GAP_MS = 5;

export interface WalSync {
  /** There was a commit: bring it to the disk soon. */
  touch(): void;
  /** Resolves when no sync is under way any more. */
  stop(): Promise<void>;
}

/**
 * Syncs the write-ahead log in the thread pool, a few ms after each commit. Without it the whole log waits
 * for the checkpoint, which then holds the event loop for milliseconds; and what a power cut can take is that
 * much less. A sync that fails is no news: the checkpoint syncs again and its failure is reported.
 *
 * The log has no locks, so that closing this descriptor takes none away (fcntl(2)).
 */
export function syncWal(databaseFile: string): WalSync {
  const fd = openSync(`${databaseFile}-wal`, 'r');
  let dirty = false;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let stopped = false;

  const sync = (): void => {
    timer = null;
    dirty = false;
    running = new Promise((resolve) => {
      fdatasync(fd, () => {
        running = null;
        resolve();
        if (dirty) arm();
      });
    });
  };
  const arm = (): void => {
    if (stopped) return;
    timer = setTimeout(sync, GAP_MS);
    timer.unref();
  };
  return {
    touch() {
      dirty = true;
      if (!timer && !running) arm();
    },
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
      await new Promise<void>((resolve) => close(fd, () => resolve()));
    },
  };
}
