import { afterMs } from './timer.ts';

export interface WaitLimits {
  /** Absent: however long it takes. */
  ms?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Those who wait for one thing to change. A wait leaves nothing behind when it ends. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  get size(): number {
    return this.#waiting.size;
  }

  /** True at the next `wake`, false after `ms` or when the signal aborts or has aborted. */
  next({ ms, signal }: WaitLimits = {}): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve(false);
      const end = (woken: boolean): void => {
        cancelTimer?.();
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(wake);
        resolve(woken);
      };
      const wake = (): void => end(true);
      const abort = (): void => end(false);
      const cancelTimer = ms === undefined ? undefined : afterMs(ms, abort);
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.add(wake);
    });
  }

  wake(): void {
    if (this.#waiting.size === 0) return;
    for (const wake of [...this.#waiting]) wake();
  }
}
