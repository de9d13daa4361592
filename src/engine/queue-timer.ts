import type { AbortReason } from '../contract/outcome.ts';
import { afterMs } from '../platform/timer.ts';
import type { LiveRun } from '../run/live-run.ts';

/** The clock of `queue_timeout_seconds`: runs from acceptance until the run starts or is given up. */
export function startQueueTimer(run: LiveRun, expired: (reason: AbortReason) => void): void {
  const timeout = timeoutOf(run);
  if (timeout) run.stopQueueTimer = afterMs(timeout.leftMs, () => expired(timeout.reason));
}

/** Why a run that waited under an earlier server need not begin any more; null: it may. */
export function waitedTooLong(run: LiveRun): AbortReason | null {
  const timeout = timeoutOf(run);
  return timeout && timeout.leftMs <= 0 ? timeout.reason : null;
}

function timeoutOf({ invocation, acceptedAt }: LiveRun): { reason: AbortReason; leftMs: number } | null {
  const seconds = invocation.options.queue_timeout_seconds;
  if (seconds === undefined) return null;
  const leftMs = seconds * 1000 - (performance.now() - acceptedAt);
  return { reason: { kind: 'timeout', which: 'queue', seconds, graceMs: 0 }, leftMs };
}
