import { constants } from 'node:os';
import { afterMs } from '../platform/timer.ts';
import { DYING_MS, isDying } from './find/dying.ts';
import type { Marks } from './find/marks.ts';
import type { Spawner, StartedProgram } from './spawn/spawner.ts';

/** A leader that not even SIGKILL ends (uninterruptible sleep) must not hold the answer for longer; one that is on its way out may. */
const UNKILLABLE_MS = 100;

const { SIGTERM, SIGHUP, SIGCONT, SIGKILL } = constants.signals;

/** Ends a program: SIGTERM to its group (with a terminal SIGHUP too) and, after the grace, SIGKILL to all it started. The earliest deadline holds. */
export class ProgramStop {
  readonly #child: StartedProgram;
  readonly #spawner: Spawner;
  readonly #marks: Marks;
  readonly #onUnkillable: () => void;
  /** What was sent, in order. */
  readonly signals: string[] = [];
  #allKilled = false;
  #killAt = Number.POSITIVE_INFINITY;
  /** Takes back the SIGKILL that is due, or the end of the wait for what it did. */
  #callOff = (): void => {};

  constructor(child: StartedProgram, spawner: Spawner, marks: Marks, onUnkillable: () => void) {
    this.#child = child;
    this.#spawner = spawner;
    this.#marks = marks;
    this.#onUnkillable = onUnkillable;
  }

  /** Has the rest of the group still its grace. */
  get hasGrace(): boolean {
    return !this.isDue && !this.signals.includes('SIGKILL');
  }

  get isDue(): boolean {
    return performance.now() >= this.#killAt;
  }

  /** `leaderGone`: whoever waits for its group looks at the clock, and nothing is sent. */
  begin(graceMs: number, leaderGone: boolean): void {
    const killAt = performance.now() + graceMs;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    if (leaderGone) return;
    this.#callOff();
    if (graceMs === 0) return void this.#kill();
    if (this.signals.length === 0) {
      this.signals.push('SIGTERM');
      this.#child.signalGroup(SIGTERM);
      // A shell at a terminal passes over SIGTERM; this it hands on to its jobs, as when a terminal is closed.
      if (this.#child.terminal) {
        this.signals.push('SIGHUP');
        this.#child.signalGroup(SIGHUP);
      }
      this.#child.signalGroup(SIGCONT); // a stopped process would see the SIGTERM only when continued
    }
    this.#callOff = afterMs(graceMs, () => void this.#kill());
  }

  /** The leader has gone: no signal is due any more. */
  callOff(): void {
    this.#callOff();
  }

  /** SIGKILL was sent, here or by others. */
  killed(): void {
    if (this.signals.at(-1) !== 'SIGKILL') this.signals.push('SIGKILL');
  }

  /** All that can be found is killed before the group, which leads to what has left it. */
  async #kill(): Promise<void> {
    this.killed();
    this.#waitForEnd(performance.now() + DYING_MS);
    const { finder } = this.#spawner;
    try {
      await finder.each(this.#marks, new Map(), (process) => this.#spawner.signal(process, SIGKILL));
    } catch (error) {
      console.error(`runwire supervisor: ${this.#marks.run}: only its group is killed now: ${String(error)}`);
    }
    if (this.#marks.leaderGoneAt === null) this.#child.signalGroup(SIGKILL);
    this.#allKilled = true;
  }

  #waitForEnd(giveUpAt: number): void {
    this.#callOff = afterMs(UNKILLABLE_MS, () => {
      const mayEnd = !this.#allKilled || isDying(this.#child.pid);
      if (mayEnd && performance.now() < giveUpAt) this.#waitForEnd(giveUpAt);
      else this.#onUnkillable();
    });
  }
}
