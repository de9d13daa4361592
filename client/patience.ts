import { BusyError, ConnectionError, GatewayError } from './errors.ts';
import { pause } from './pause.ts';

const FIRST_MS = 100;
const MOST_MS = 5000;

/** Waiting may help: the server was not reached, or not now. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ConnectionError || error instanceof BusyError || error instanceof GatewayError;

/** How long a server that is away is asked again, ever more rarely. */
export class Patience {
  readonly #ms: number;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;
  #since: number | null = null;

  constructor(seconds: number, signal?: AbortSignal) {
    this.#ms = seconds * 1000;
    this.#signal = signal;
  }

  /** The server was there. */
  renew(): void {
    this.#failures = 0;
    this.#since = null;
  }

  /** Waits before the next attempt. Throws the error, where waiting does not help or has lasted long enough. */
  async after(error: unknown): Promise<void> {
    if (!isPassing(error)) throw error;
    this.#since ??= performance.now();
    const ms = Math.max(backoff(this.#failures++), ((error as BusyError).retryAfterSeconds ?? 0) * 1000);
    if (performance.now() - this.#since + ms > this.#ms) throw error;
    await pause(ms, this.#signal);
  }
}

/** Twice as long each time; up to a half less, so that many clients do not come at once. */
function backoff(failures: number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** failures) * (0.5 + Math.random() / 2);
}
