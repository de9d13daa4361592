/** setTimeout counts to 2^31 − 1 ms; some waits are longer. */
const LONGEST_MS = 2 ** 31 - 1;

/** One moment to come, on the monotonic clock. It keeps no process alive. */
export class Timer {
  #timer: NodeJS.Timeout | undefined;

  /** Milliseconds on the clock of performance.now(); null: none is set. */
  due: number | null = null;

  set(ms: number, callback: () => void): void {
    this.clear();
    const due = performance.now() + ms;
    this.due = due;
    const arm = (): void => {
      const left = Math.max(0, Math.ceil(due - performance.now()));
      this.#timer = setTimeout(left > LONGEST_MS ? arm : fire, Math.min(left, LONGEST_MS)).unref();
    };
    const fire = (): void => {
      this.due = null;
      callback();
    };
    arm();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.due = null;
  }
}
