/** Runs waiting for a place: at most `concurrent` work at once, at most `waiting` wait, in order. */
export class RunQueue<Run> {
  readonly #concurrent: number;
  readonly #limit: number;
  readonly #start: (run: Run) => void;
  readonly #waiting = new Set<Run>();
  #working = 0;
  #paused = false;

  constructor(limits: { concurrent: number; waiting: number }, start: (run: Run) => void) {
    this.#concurrent = limits.concurrent;
    this.#limit = limits.waiting;
    this.#start = start;
  }

  get running(): number {
    return this.#working;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /** Would a run that comes now start at once. */
  get hasPlace(): boolean {
    return !this.#paused && this.#waiting.size === 0 && this.#working < this.#concurrent;
  }

  get full(): boolean {
    return !this.hasPlace && this.#waiting.size >= this.#limit;
  }

  /** Start it now or put it behind the others. The caller has looked at `full`. */
  add(run: Run): void {
    if (this.hasPlace) this.occupy(run);
    else this.#waiting.add(run);
  }

  /** Start it whatever the limit: it was running already (a run that is resumed). */
  occupy(run: Run): void {
    this.#working++;
    this.#start(run);
  }

  /** A run has ended: its place goes to the next. */
  release(): void {
    this.#working--;
    this.#fill();
  }

  waits(run: Run): boolean {
    return this.#waiting.has(run);
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
      if (this.#paused || this.#working >= this.#concurrent) return;
      this.#waiting.delete(run);
      this.occupy(run);
    }
  }
}
