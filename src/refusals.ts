import { RunwireError } from './errors.ts';

/** Why nothing is accepted, or null. */
export function whyClosed(draining: boolean, disk: { enough(): boolean }): RunwireError | null {
  if (draining) return new RunwireError('draining', 'the server is shutting down', { retryAfterSeconds: 5 });
  if (disk.enough()) return null;
  return new RunwireError('insufficient_storage', 'there is not enough disk space', {
    retryAfterSeconds: 10,
  });
}

export function queueFull(): RunwireError {
  return new RunwireError('queue_full', 'the queue is full', { retryAfterSeconds: 1 });
}
