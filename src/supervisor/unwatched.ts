import { afterMs } from '../platform/timer.ts';

/** When the time of a run is over, on the clock of performance.now(), and its grace then, ms. */
export interface Due {
  at: number;
  graceMs: number;
}

type OnOver = (run: string, graceMs: number) => void;

/** The clocks of runs while no server is there to watch them. */
export class UnwatchedClocks {
  readonly #stops = new Map<string, () => void>();
  /** Null: a server is there. */
  #onOver: OnOver | null = null;

  /** The server is gone. */
  start(runs: Iterable<readonly [run: string, due: Due]>, onOver: OnOver): void {
    this.#onOver = onOver;
    for (const [run, due] of runs) this.set(run, due);
  }

  /** From now on this is when the time of the run is over; null: never. */
  set(run: string, due: Due | null): void {
    const onOver = this.#onOver;
    if (onOver === null) return;
    this.#stops.get(run)?.();
    this.#stops.delete(run);
    if (due)
      this.#stops.set(
        run,
        afterMs(due.at - performance.now(), () => onOver(run, due.graceMs)),
      );
  }

  /** A server is there. What has been told to end ends. */
  stop(): void {
    this.#onOver = null;
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }
}
