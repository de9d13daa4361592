import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { childBelongsTo, directChildren, eachProcessOf, type Marks } from './processes.ts';
import type { Spawner } from './spawner.ts';

/** How long killed processes are waited for before they are counted as survivors. */
export const SETTLE_MS = 120;
/** How often orphans are looked for in a row: each look takes a moment only. */
const ORPHAN_LOOKS = 50;

const { SIGKILL } = constants.signals;

/** SIGKILL to every process of a run that can be found. Returns how many there were. */
export function killRound(spawner: Spawner, marks: Marks): number {
  const orphans = spawner.adoptsOrphans ? killOrphans(spawner, marks) : 0;
  return orphans + eachProcessOf(marks, (pid) => spawner.signalProcess(pid, SIGKILL));
}

/** What forks and ends faster than all processes can be listed becomes a child of ours at every step. */
function killOrphans(spawner: Spawner, marks: Marks): number {
  let killed = 0;
  for (let look = 0; look < ORPHAN_LOOKS; look++) {
    const found = (directChildren() ?? []).filter((pid) => childBelongsTo(pid, marks));
    if (found.length === 0) break;
    for (const pid of found) spawner.signalProcess(pid, SIGKILL);
    killed += found.length;
  }
  return killed;
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
