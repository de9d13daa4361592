import { NAMED_HOLDERS } from '../documents/waiting.ts';
import { ChurnMap } from '../platform/churn-map.ts';
import { Line } from '../platform/line.ts';

/** Runs waiting for a place: at most `concurrent` work at once, at most `waiting` wait, in order. */
export class RunQueue<Run extends { readonly id: string }> {
  readonly places: number;
  readonly #limit: number;
  readonly #start: (run: Run) => void;
  readonly #waiting = new Line<Run>();
  /** In order of their beginning. */
  readonly #working = new ChurnMap<string, Run>();
  #holders: readonly string[] | null = null;
  #paused = false;

  constructor(limits: { concurrent: number; waiting: number }, start: (run: Run) => void) {
    this.places = limits.concurrent;
    this.#limit = limits.waiting;
    this.#start = start;
  }

  get running(): number {
    return this.#working.size;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /** Would a run that comes now start at once. */
  get hasPlace(): boolean {
    return !this.#paused && this.#waiting.size === 0 && this.#working.size < this.places;
  }

  get full(): boolean {
    return !this.hasPlace && this.#waiting.size >= this.#limit;
  }

  /** Ids of those that work, the oldest first; of many the first. */
  get holders(): readonly string[] {
    this.#holders ??= this.#working.keys().take(NAMED_HOLDERS).toArray();
    return this.#holders;
  }

  /** How long the first has waited, ms. */
  get longestWaitMs(): number {
    return this.#waiting.longestMs;
  }

  /** Start it now or put it behind the others. The caller has looked at `full`. */
  add(run: Run): void {
    if (this.hasPlace) this.occupy(run);
    else this.#waiting.add(run);
  }

  /** Start it whatever the limit: it was running already (a run that is resumed). */
  occupy(run: Run): void {
    this.#working.set(run.id, run);
    this.#holders = null;
    this.#start(run);
  }

  /** A run has ended: its place goes to the next. */
  release(run: Run): void {
    if (this.#working.get(run.id) === run) this.#working.delete(run.id);
    this.#holders = null;
    this.#fill();
  }

  waits(run: Run): boolean {
    return this.#waiting.has(run);
  }

  /** 1 is the next; null: it does not wait. */
  placeOf(run: Run): number | null {
    return this.#waiting.placeOf(run);
  }

  /** Take a waiting run out. False when it does not wait. */
  remove(run: Run): boolean {
    return this.#waiting.delete(run);
  }

  /** Start no more: what waits stays. */
  pause(): void {
    this.#paused = true;
  }

  #fill(): void {
    for (const run of this.#waiting) {
      if (this.#paused || this.#working.size >= this.places) return;
      this.#waiting.delete(run);
      this.occupy(run);
    }
  }
}
