import { isLiving, readStat } from './proc.ts';

/** How much longer than others one is waited for that is on its way out: on a busy machine it has to be let run for it. */
export const DYING_MS = 5000;

/** Of a process that SIGKILL was sent to: will it end as soon as it is let run. What sleeps on was not reached by it. */
export function isDying(pid: number): boolean {
  const stat = readStat(pid);
  return stat === null || !isLiving(stat) || stat.isExiting || stat.state === 'R';
}
