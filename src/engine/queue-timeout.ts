import type { AbortReason } from '../contract/outcome.ts';
import type { LiveRun } from '../run/live-run.ts';

/** The end of `queue_timeout_seconds`, which count from acceptance, under an earlier server too. Null: none is set. */
export function queueTimeoutOf({
  invocation,
  acceptedAt,
}: LiveRun): { reason: AbortReason; leftMs: number } | null {
  const seconds = invocation.options.queue_timeout_seconds;
  if (seconds === undefined) return null;
  const leftMs = seconds * 1000 - (performance.now() - acceptedAt);
  return { reason: { kind: 'timeout', which: 'queue', seconds, graceMs: 0 }, leftMs };
}
