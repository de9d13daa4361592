import { Timer } from '../../src/platform/timer.ts';
import type { HeldClaim } from './state.ts';

/** How long the present claim still holds. On the monotonic clock: a clock that is set takes nobody's claim. */
export class Lease {
  readonly #timer = new Timer();
  readonly #onEnd: () => void;
  #due = 0;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Until `ms` from now. It ends only where the worker is known to have its claim. */
  extend(held: HeldClaim, ms: number): void {
    held.leaseExpiresAt = Date.now() + ms;
    this.#due = performance.now() + ms;
    const { due } = this.#timer;
    // A timer that is set earlier looks again: renewing costs nothing.
    if (held.accepted && (due === null || due > this.#due)) this.#arm();
  }

  clear(): void {
    this.#timer.clear();
  }

  #arm(): void {
    this.#timer.set(Math.max(0, this.#due - performance.now()), () => {
      if (performance.now() < this.#due) this.#arm();
      else this.#onEnd();
    });
  }
}
