import type { Config } from '../config.ts';

/** What happens after the first signal, and what a second one does. */
export function lastMoments(
  { onExit, drainSeconds }: Pick<Config, 'onExit' | 'drainSeconds'>,
  running: number,
): string {
  if (running === 0) return 'stopping: nothing runs';
  const runs = running === 1 ? '1 run' : `${running} runs`;
  if (onExit === 'leave') return `stopping: ${runs} left to the next server`;
  if (drainSeconds === 0) return `stopping: ${runs} cancelled`;
  return `stopping: ${runs} may finish for ${drainSeconds} s, then what is left is cancelled; Ctrl-C or SIGTERM again cancels at once`;
}
