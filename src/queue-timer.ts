import type { LiveRun } from './live-run.ts';
import { afterMs } from './long-timer.ts';
import type { AbortReason } from './runner.ts';

/** The clock of `queue_timeout_seconds`: runs from acceptance until the run starts or is given up. */
export function startQueueTimer(run: LiveRun, expired: (reason: AbortReason) => void): void {
  const seconds = run.invocation.options.queue_timeout_seconds;
  if (seconds === undefined) return;
  const waited = performance.now() - run.acceptedAt;
  run.stopQueueTimer = afterMs(seconds * 1000 - waited, () => {
    expired({ kind: 'timeout', which: 'queue', seconds, graceMs: 0 });
  });
}
