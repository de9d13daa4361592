import type { Invocation } from '../documents/invocation.ts';
import { LONGEST_MS } from '../platform/timer.ts';

/** Between SIGTERM and SIGKILL, ms: as asked, else the run's own, else the server's; what a timer can count. */
export function graceMs(
  { invocation }: { invocation: Invocation },
  config: { killGraceSeconds: number },
  askedSeconds?: number,
): number {
  const own = invocation.options.kill_grace_seconds;
  return Math.min((askedSeconds ?? own ?? config.killGraceSeconds) * 1000, LONGEST_MS);
}
