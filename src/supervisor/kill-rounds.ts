import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Marks, processesOf } from './processes.ts';
import type { Spawner } from './spawner.ts';

/** How long killed processes are waited for before they are counted as survivors. */
export const SETTLE_MS = 120;

/** SIGKILL to every process of a run that can be found. Returns how many there were. */
export function killRound(spawner: Spawner, marks: Marks): number {
  const pids = processesOf(marks);
  for (const pid of pids) spawner.signalProcess(pid, constants.signals.SIGKILL);
  return pids.length;
}

/**
 * SIGKILL, round after round, until none is left or SETTLE_MS have passed: what a process forks while it
 * is looked for is found by the next round. `found`: were there any; `survivors`: those of the last round.
 */
export async function killAll(
  spawner: Spawner,
  marks: Marks,
): Promise<{ found: boolean; survivors: number }> {
  const giveUpAt = performance.now() + SETTLE_MS;
  let found = false;
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const survivors = killRound(spawner, marks);
    if (survivors > 0) found = true;
    if (survivors === 0 || performance.now() >= giveUpAt) return { found, survivors };
    await sleep(pause);
  }
}
