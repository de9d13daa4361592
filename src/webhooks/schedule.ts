export interface DeliverySchedule {
  /** Attempts in all, the first included. */
  attempts: number;
  /** Before the second attempt; each later wait is `factor` times the one before, at most `maxMs`. */
  firstMs: number;
  factor: number;
  maxMs: number;
  /** A wait is lengthened by a random part of itself, up to this. */
  jitter: number;
}

/** 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, 6 h, 6 h: about 20 to 24 hours. docs/on-finish.md has it too. */
export const SCHEDULE: DeliverySchedule = {
  attempts: 10,
  firstMs: 5000,
  factor: 4,
  maxMs: 6 * 3_600_000,
  jitter: 0.2,
};

/** No wait is longer. */
export function longestMs({ maxMs, jitter }: DeliverySchedule): number {
  return maxMs * (1 + jitter);
}

/**
 * Milliseconds until the attempt after `attempts` ones. A Retry-After header (RFC 9110, seconds or a date)
 * makes it longer, never shorter, and at most `maxMs`.
 */
export function delayMs(
  schedule: DeliverySchedule,
  attempts: number,
  retryAfter: string | undefined,
  now: number,
  random: () => number = Math.random,
): number {
  const { firstMs, factor, maxMs, jitter } = schedule;
  const wait = Math.min(firstMs * factor ** (attempts - 1), maxMs) * (1 + jitter * random());
  const asked = Math.min(askedMs(retryAfter, now), maxMs);
  return Math.round(Math.max(wait, asked));
}

function askedMs(retryAfter: string | undefined, now: number): number {
  if (retryAfter === undefined) return 0;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? 0 : date - now;
}
