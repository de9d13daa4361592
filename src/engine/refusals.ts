import { CannotBegin } from '../contract/outcome.ts';
import type { DiskSpace } from '../disk/space.ts';
import { RunwireError, toldShortage } from '../documents/errors.ts';
import type { LiveRun } from '../run/live-run.ts';

/** Why nothing is accepted, or null. */
export function whyClosed(draining: boolean, disk: DiskSpace): RunwireError | null {
  if (draining) return new RunwireError('draining', 'the server is shutting down', { retryAfterSeconds: 5 });
  const shortage = disk.shortage();
  return shortage === null
    ? null
    : new RunwireError('insufficient_storage', shortage, { retryAfterSeconds: 10 });
}

export function queueFull(): RunwireError {
  return new RunwireError('queue_full', 'the queue is full', { retryAfterSeconds: 1 });
}

/** Throws for a new run that the server could not begin: it is not accepted, and may be sent again. */
export function refuseUnbegun({ refusal }: LiveRun): void {
  if (!(refusal instanceof CannotBegin)) return;
  const told = toldShortage(refusal.cause);
  if (told instanceof RunwireError) throw told;
  throw new RunwireError('insufficient_storage', refusal.message, { retryAfterSeconds: 10, cause: refusal });
}
