/** setTimeout counts to 2^31 − 1 ms; a run may wait longer. Monotonic, as Node's timers are. */
export const LONGEST_MS = 2 ** 31 - 1;
/** Who is called so late stood still (Ctrl-Z, a frozen container): what came meanwhile, in time, is not read yet, for timers go before sockets. */
const LATE_MS = 250;
/** So long it is given to be read, once. */
const CATCH_UP_MS = 250;

/** Call back after `ms`, however long that is. Returns how to take it back. Without `ref` it keeps no process alive. */
export function afterMs(ms: number, callback: () => void, { ref = true } = {}): () => void {
  const due = performance.now() + Math.max(0, ms);
  let timer: NodeJS.Timeout;
  const wait = (forMs: number, then: () => void): void => {
    timer = setTimeout(then, forMs);
    if (!ref) timer.unref();
  };
  const look = (): void => {
    const left = Math.ceil(due - performance.now());
    if (left > 0) wait(Math.min(left, LONGEST_MS), look);
    else if (left > -LATE_MS) callback();
    else wait(CATCH_UP_MS, callback);
  };
  wait(Math.min(Math.max(0, Math.ceil(ms)), LONGEST_MS), look);
  return () => clearTimeout(timer);
}

/** One moment to come, which may be set anew. It keeps no process alive. */
export class Timer {
  #cancel: (() => void) | null = null;

  /** Milliseconds on the clock of performance.now(); null: none is set. */
  due: number | null = null;

  set(ms: number, callback: () => void): void {
    this.clear();
    this.due = performance.now() + ms;
    const fire = (): void => {
      this.due = null;
      callback();
    };
    this.#cancel = afterMs(ms, fire, { ref: false });
  }

  clear(): void {
    this.#cancel?.();
    this.due = null;
  }
}

/** A wait that ends early when the signal aborts. Never rejects. */
export function nap(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = afterMs(ms, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

export class TooLate extends Error {}

/** A signal that also aborts, with TooLate, after `ms`; `done` frees it. */
export function within(ms: number, signal: AbortSignal): { signal: AbortSignal; done: () => void } {
  const both = new AbortController();
  const follow = (): void => both.abort(signal.reason);
  const cancel = afterMs(ms, () => both.abort(new TooLate('not in time')));
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: both.signal,
    done: () => {
      cancel();
      signal.removeEventListener('abort', follow);
    },
  };
}
