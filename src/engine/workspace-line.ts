import { PLACES, type Places } from '../documents/places.ts';
import type { Waiting } from '../documents/waiting.ts';
import type { LiveRun } from '../run/live-run.ts';
import type { WorkspaceRuns } from '../workspaces/run-turns.ts';

/** Runs that wait for their turn in a workspace, counted by the places that they will need. */
export class WorkspaceLine {
  readonly #workspaces: WorkspaceRuns | null;
  readonly #sortOf: (run: LiveRun) => Places;
  readonly #waiting: { [Sort in Places]: number } = { programs: 0, calls: 0 };

  /** Null: there are no workspaces, and nobody ever stands here. */
  constructor(workspaces: WorkspaceRuns | null, sortOf: (run: LiveRun) => Places) {
    this.#workspaces = workspaces;
    this.#sortOf = sortOf;
  }

  get waiting(): number {
    return PLACES.reduce((sum, sort) => sum + this.#waiting[sort], 0);
  }

  waitingFor(sort: Places): number {
    return this.#waiting[sort];
  }

  hasTurnFor(run: LiveRun): boolean {
    return this.#workspaces?.hasTurnFor(run) ?? true;
  }

  /** It waits, or has its turn at once: `onTurn` is called then. */
  enter(run: LiveRun, onTurn: () => void): void {
    const sort = this.#sortOf(run);
    this.#waiting[sort]++;
    const begin = (): void => {
      this.#waiting[sort]--;
      onTurn();
    };
    if (this.#workspaces) this.#workspaces.enter(run, begin);
    else begin();
  }

  resume(run: LiveRun): void {
    this.#workspaces?.resume(run);
  }

  waits(run: LiveRun): boolean {
    return run.workspace !== null && (this.#workspaces?.waits(run) ?? false);
  }

  /** One that waits goes. False: it does not wait here. */
  remove(run: LiveRun): boolean {
    if (run.workspace === null || !this.#workspaces?.leaveWaiting(run)) return false;
    this.#waiting[this.#sortOf(run)]--;
    return true;
  }

  waitingOf(run: LiveRun): Waiting | null {
    if (run.workspace === null) return null;
    const waiting = this.#workspaces?.waitingOf(run);
    return waiting ? { reason: 'workspace', ...waiting } : null;
  }

  pause(): void {
    this.#workspaces?.pause();
  }
}
