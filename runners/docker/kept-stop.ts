import type { RunControls } from '../../src/contract/context.ts';
import type { AbortReason } from '../../src/contract/outcome.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import type { Options } from '../../src/documents/options.ts';
import type { TerminalSize } from '../../src/documents/terminal.ts';
import { afterMs } from '../../src/platform/timer.ts';
import { signalNumber } from './keeper/signals.ts';
import { LINES } from './keeper/words.ts';

/** After the grace: a keeper that has not ended the program by then may be stopped itself, by that program. */
const SLOW_MS = 200;
/** A keeper ends all within 2 s after the grace: one that has not is not there, or is not let work. */
const GIVE_UP_MS = 10_000;
const SAY_AGAIN_MS = 100;

/** Stops what runs in a kept container now, by lines to its keeper. */
export class KeptStop {
  #tell: ((line: string) => boolean) | null = null;
  /** Monotonic moment at which SIGKILL is due, ms. Null: nothing is stopped. */
  #killAt: number | null = null;
  /** Of its terminal, as was said last. */
  #size: TerminalSize | null = null;
  #noGiveUp = (): void => {};
  readonly #onSlow: () => void;
  readonly #onStuck: () => void;
  /** The container was killed, for its keeper did not do it. */
  stuck = false;

  /** `onSlow`: the program is to be ended by another than its keeper. `onStuck`: nothing is left but to end the container. */
  constructor(on: { slow(): void; stuck(): void }) {
    this.#onSlow = on.slow;
    this.#onStuck = on.stuck;
  }

  get begun(): boolean {
    return this.#killAt !== null;
  }

  /** Stop when the run is aborted. Returns how it no longer does. */
  on(signal: AbortSignal): () => void {
    const abort = (): void => this.begin((signal.reason as AbortReason).graceMs);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    return () => {
      signal.removeEventListener('abort', abort);
      this.#noGiveUp();
    };
  }

  begin(graceMs: number): void {
    const at = performance.now() + Math.max(0, graceMs);
    if (this.#killAt !== null && at >= this.#killAt) return;
    this.#killAt = at;
    this.#say();
    this.#noGiveUp();
    const grace = Math.max(0, graceMs);
    const noSlow = afterMs(grace + SLOW_MS, this.#onSlow);
    const noStuck = afterMs(grace + GIVE_UP_MS, () => {
      this.stuck = true;
      this.#onStuck();
    });
    this.#noGiveUp = () => {
      noSlow();
      noStuck();
    };
  }

  /** Whom to tell from now on; null: nobody. A keeper that was not told yet, or on a connection that broke, is. */
  follow(tell: ((line: string) => boolean) | null): void {
    this.#tell = tell;
    this.#say();
    if (this.#size !== null) tell?.(LINES.size(this.#size));
  }

  controls({ terminal }: Options): RunControls {
    return {
      ...(terminal && { resize: async (size) => this.#resize(size) }),
      signal: async (name) => {
        const number = signalNumber(name);
        if (number === null)
          throw new RunwireError('not_supported', `a container of Linux has no signal ${name}`);
        for (let n = 0; !this.#tell?.(LINES.signal(number)) && n < 20; n++)
          await new Promise((resolve) => setTimeout(resolve, SAY_AGAIN_MS));
      },
      hasten: (graceMs) => {
        if (this.#killAt !== null) this.begin(graceMs);
      },
    };
  }

  /** Where nobody listens now, the next who does. */
  #resize(size: TerminalSize): void {
    this.#size = size;
    this.#tell?.(LINES.size(size));
  }

  #say(): void {
    if (this.#killAt !== null) this.#tell?.(LINES.stop(this.#killAt - performance.now()));
  }
}
