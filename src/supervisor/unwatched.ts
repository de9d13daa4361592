import { afterMs } from '../platform/timer.ts';

/** When the time of a run is over, on the clock of performance.now(), and its grace then, ms. */
export interface Due {
  at: number;
  graceMs: number;
}

/** The clocks of runs while no server is there to watch them. */
export class UnwatchedClocks {
  #stops: (() => void)[] = [];

  /** The server is gone. */
  start(
    runs: Iterable<readonly [run: string, due: Due]>,
    onOver: (run: string, graceMs: number) => void,
  ): void {
    for (const [run, { at, graceMs }] of runs)
      this.#stops.push(afterMs(at - performance.now(), () => onOver(run, graceMs)));
  }

  /** A server is there. What has been told to end ends. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}
