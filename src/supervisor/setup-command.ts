import { setTimeout as sleep } from 'node:timers/promises';
import type { Marks } from './find/marks.ts';
import { type ProgramExit, type Spawner, type StartedProgram, UNKNOWN_EXIT } from './spawn/spawner.ts';
import { ProgramStop } from './stop.ts';
import { GROUP_LOOK_MS } from './waits.ts';

/** The program of one command of a setup. What it leaves stays: whoever has the run sees to that. */
export class SetupCommand {
  readonly pid: number;
  readonly #child: StartedProgram;
  readonly #exited = Promise.withResolvers<ProgramExit>();
  readonly #makeStop: () => ProgramStop;
  #stop: ProgramStop | null = null;
  #hasExited = false;

  /** `marks`: of the run, whose leader it becomes. */
  constructor(child: StartedProgram, spawner: Spawner, marks: Marks) {
    this.pid = child.pid;
    this.#child = child;
    this.#makeStop = () => new ProgramStop(child, spawner, marks, () => this.#end(UNKNOWN_EXIT));
    Object.assign(marks, { leader: child.pid, leaderGoneAt: null, mark: child.mark });
    spawner.finder.begin(marks);
    child.onExit((exit) => {
      marks.leaderGoneAt = performance.now();
      this.#end(exit);
    });
  }

  /** Resolves when it has ended, and the rest of its group has had its grace where it was told to end. */
  async over(): Promise<ProgramExit> {
    const exit = await this.#exited.promise;
    while (this.#stop?.hasGrace && this.#child.signalGroup(0)) await sleep(GROUP_LOOK_MS);
    return exit;
  }

  /** What was sent to end it, in order; null: nothing. */
  get signals(): readonly string[] | null {
    return this.#stop?.signals ?? null;
  }

  /** As that of a program. */
  stop(graceMs: number): void {
    if (this.#hasExited && !this.#stop?.hasGrace) return;
    this.#stop ??= this.#makeStop();
    this.#stop.begin(graceMs, this.#hasExited);
  }

  /** False when it has ended already. */
  signal(signal: number): boolean {
    return !this.#hasExited && this.#child.signalGroup(signal);
  }

  #end(exit: ProgramExit): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#stop?.callOff();
    this.#exited.resolve(exit);
  }
}
