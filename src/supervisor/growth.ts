/** How often one journal that grows all the time is told of: each message costs as much as some output. */
const PACE_MS = 2;

/**
 * Tells how far journals have grown: at once after a pause, and of one that grows on and on every 2 ms. What many
 * small writes of one turn of the event loop have brought is one message in any case.
 */
export class Growth {
  readonly #tell: (run: string) => void;
  /** To be told of when this turn is over. */
  #now = new Set<string>();
  /** Told of a moment ago. */
  #recent = new Set<string>();
  /** To be told of when that moment is over. */
  #later = new Set<string>();

  constructor(tell: (run: string) => void) {
    this.#tell = tell;
  }

  grew(run: string): void {
    if (this.#recent.has(run)) return void this.#later.add(run);
    if (this.#now.size === 0) setImmediate(() => this.#tellNow());
    this.#now.add(run);
  }

  #tellNow(): void {
    if (this.#recent.size === 0) setTimeout(() => this.#moveOn(), PACE_MS);
    for (const run of this.#now) {
      this.#recent.add(run);
      this.#tell(run);
    }
    this.#now.clear();
  }

  #moveOn(): void {
    const due = this.#later;
    this.#later = new Set();
    this.#recent = new Set();
    if (due.size === 0) return;
    this.#now = new Set([...this.#now, ...due]);
    this.#tellNow();
  }
}
