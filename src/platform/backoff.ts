/** Waits that grow: between attempts, polls, tries. */
export interface Backoff {
  firstMs: number;
  /** Each wait is so many times the one before, at most `maxMs`. */
  factor: number;
  maxMs: number;
  /** A wait is lengthened by a random part of itself, up to this. */
  jitter: number;
}

/** The wait after `n` waits. */
export function backoffMs(
  { firstMs, factor, maxMs, jitter }: Backoff,
  n: number,
  random: () => number = Math.random,
): number {
  const grown = firstMs === 0 ? 0 : firstMs * factor ** n; // the power may be Infinity, of which 0 times is no number
  return Math.min(grown, maxMs) * (1 + jitter * random());
}

/** No wait is longer. */
export function longestMs({ maxMs, jitter }: Backoff): number {
  return maxMs * (1 + jitter);
}
