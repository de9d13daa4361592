import { setTimeout as sleep } from 'node:timers/promises';
import { type KillParts, killAll } from './kill-rounds.ts';
import type { Marks } from './marks.ts';

/** How often what outlived its run is looked for again, at first and at most. */
const HUNT_MS = 250;
const HUNT_SELDOM_MS = 10_000;

/** What outlived its run may have been asleep, or may go on forking: it is not forgotten before nothing of it is found. */
export async function hunt(parts: KillParts, marks: Marks): Promise<void> {
  for (let pause = HUNT_MS; ; pause = Math.min(pause * 2, HUNT_SELDOM_MS)) {
    await sleep(pause, undefined, { ref: false });
    const { survivors } = await killAll(parts, marks);
    if (survivors === 0) return parts.finder.end(marks);
  }
}
