import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DYING_MS, isDying } from './dying.ts';
import type { Found, ProcessFinder } from './finder.ts';
import type { Marks } from './marks.ts';

/** How long killed processes are waited for before they are counted as survivors, but for those on their way out. */
export const SETTLE_MS = 100;
/** On a machine so busy that few looks fit into that time, at least so many. */
const MIN_ROUNDS = 6;
/** How long those of a fork bomb are stopped one after the other before they are killed. */
const FREEZE_MS = 60;

const { SIGKILL, SIGSTOP } = constants.signals;

export interface KillParts {
  finder: ProcessFinder;
  signal(process: Found, signal: number): void;
}

/**
 * SIGKILL to all processes of a run, round after round, until none is left. `found`: were there any; `survivors`:
 * those of the last look. Where new ones keep turning up, all are stopped before the first is killed: what is
 * stopped cannot fork, and a place that a bomb may fill again is not made free. `settleMs`: for who can wait longer
 * than the answer of a run may take.
 */
export async function killAll(
  { finder, signal }: KillParts,
  marks: Marks,
  settleMs = SETTLE_MS,
): Promise<{ found: boolean; survivors: number }> {
  const known = new Map<number, Found>();
  const giveUpAt = performance.now() + settleMs;
  let born = 0;
  let seen: number[] = [];
  const round = async (number: number): Promise<number> => {
    seen = [];
    try {
      return await finder.each(marks, known, (process) => {
        seen.push(process.pid);
        if (known.get(process.pid)?.startTime !== process.startTime) born++;
        known.set(process.pid, process);
        signal(process, number);
      });
    } catch (error) {
      console.error(`runwire supervisor: ${marks.run}: its processes cannot be looked for: ${String(error)}`);
      return 1; // not one that is known of, but it is not proven that there is none
    }
  };
  for (let rounds = 1, pause = 1; ; rounds++, pause = Math.min(pause * 2, 20)) {
    born = 0;
    const survivors = await round(SIGKILL);
    if (survivors === 0 || (isEnough() && rounds >= MIN_ROUNDS)) return { found: known.size > 0, survivors };
    if (rounds > 1 && born > 0) await freeze();
    await sleep(pause);
  }

  /** Who only waits to be let run is no survivor. */
  function isEnough(): boolean {
    const overMs = performance.now() - giveUpAt;
    return overMs >= DYING_MS || (overMs >= 0 && !seen.some(isDying));
  }

  async function freeze(): Promise<void> {
    const enoughAt = performance.now() + FREEZE_MS;
    do {
      born = 0;
      await round(SIGSTOP);
    } while (born > 0 && performance.now() < enoughAt);
    // Last the oldest: what is left of a stopped group without its parent would be continued.
    for (const process of [...known.values()].reverse()) signal(process, SIGKILL);
  }
}
