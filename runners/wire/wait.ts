/** Longest that a server's Retry-After is believed. */
const LONGEST_MS = 24 * 3_600_000;
/** setTimeout counts no further. */
const TIMER_MS = 2 ** 31 - 1;

/** Milliseconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date); 0 without one. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number {
  if (header === undefined) return 0;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), LONGEST_MS);
}

export interface Backoff {
  initialMs: number;
  factor: number;
  maxMs: number;
  /** A wait is lengthened by a random part of itself, up to this. */
  jitter: number;
}

/** The wait after `n` waits. */
export function backoffMs(backoff: Backoff, n: number, random: () => number = Math.random): number {
  const { initialMs, factor, maxMs, jitter } = backoff;
  return Math.min(initialMs * factor ** n, maxMs) * (1 + jitter * random());
}

/** A wait that ends early when the signal aborts or somebody wakes it. Never rejects. */
export function nap(ms: number, signal: AbortSignal, wakers?: Set<() => void>): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(Math.max(0, ms), TIMER_MS));
  const wake = (): void => resolve();
  wakers?.add(wake);
  signal.addEventListener('abort', wake, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    wakers?.delete(wake);
    signal.removeEventListener('abort', wake);
  });
}

export class TooLate extends Error {}

/** A signal that also aborts, with TooLate, after `ms`; `done` frees it. */
export function within(ms: number, signal: AbortSignal): { signal: AbortSignal; done: () => void } {
  const both = new AbortController();
  const follow = (): void => both.abort(signal.reason);
  const timer = setTimeout(() => both.abort(new TooLate('not in time')), Math.min(ms, TIMER_MS));
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: both.signal,
    done: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    },
  };
}
