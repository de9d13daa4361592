import { afterMs } from '../platform/timer.ts';
import type { RetentionCandidate } from '../store/finished-runs.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { ageClock } from './age-clock.ts';

/** What is kept of finished runs; absent or null: no bound. */
export interface RetentionLimits {
  /** Since the run finished. */
  seconds?: number | null | undefined;
  count?: number | null | undefined;
  /** Sum of the runs' bytes on disk. */
  bytes?: number | null | undefined;
}

export interface RetentionOptions extends RetentionLimits {
  store: Pick<InvocationStore, 'finishedTotals' | 'oldestFinished'>;
  /** Removes record and files of a finished run. */
  removeRun(id: string): Promise<void>;
  /** Is the run being read. It is passed over and counts as kept. */
  isBusy(id: string): boolean;
  /** A run could not be removed; the pass goes on with the next. */
  onError?(id: string, error: unknown): void;
  /** By which runs are old, ms since the epoch. */
  now?(): number;
}

const BATCH = 32;

/**
 * Remove the runs that finished first until all limits hold; returns how many. Runs that are not final,
 * are being read or have a delivery pending are never touched. Those of a batch go together, since each waits for
 * the disk: one after the other they would go slower than runs come. Between batches other work gets its turn.
 */
export async function applyRetention(options: RetentionOptions, signal?: AbortSignal): Promise<number> {
  const { store, isBusy, removeRun, onError, now = Date.now } = options;
  const kept = store.finishedTotals();
  const count = options.count ?? Number.POSITIVE_INFINITY;
  const bytes = options.bytes ?? Number.POSITIVE_INFINITY;
  const oldest = options.seconds == null ? Number.NEGATIVE_INFINITY : now() - options.seconds * 1000;
  const remove = async (run: RetentionCandidate): Promise<void> => {
    kept.count--;
    kept.bytes -= run.outputBytes;
    try {
      await removeRun(run.id);
      removed++;
    } catch (error) {
      kept.count++;
      kept.bytes += run.outputBytes;
      onError?.(run.id, error);
    }
  };
  let removed = 0;
  let place = { order: -1, n: 0 };
  while (!signal?.aborted) {
    const batch = store.oldestFinished(place, BATCH);
    const leaving: Promise<void>[] = [];
    let looked = 0;
    for (const run of batch) {
      if (run.finishedAt >= oldest && kept.count <= count && kept.bytes <= bytes) break;
      looked++;
      place = run;
      if (!isBusy(run.id)) leaving.push(remove(run));
    }
    await Promise.all(leaving);
    if (looked === 0 || (looked === batch.length && batch.length < BATCH)) return removed;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return removed;
}

/** Apply the limits now and every `intervalMs` after the end of a pass; nothing runs when there is none. */
export function startRetention(options: RetentionOptions & { intervalMs: number }): {
  stop(): Promise<void>;
} {
  const { seconds, count, bytes, intervalMs } = options;
  if (seconds == null && count == null && bytes == null) return { stop: async () => {} };
  const now = options.now ?? ageClock((seconds ?? 0) * 1000);
  const stopping = new AbortController();
  let cancel = () => {};
  let pass = Promise.resolve();
  const begin = (): void => {
    pass = applyRetention({ ...options, now }, stopping.signal).then(
      () => {},
      (error: unknown) => options.onError?.('', error),
    );
    pass.then(() => {
      if (!stopping.signal.aborted) cancel = afterMs(intervalMs, begin);
    });
  };
  begin();
  return {
    stop() {
      stopping.abort();
      cancel();
      return pass;
    },
  };
}
