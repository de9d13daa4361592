import { type Backoff, backoffMs } from '../platform/backoff.ts';
import { retryAfterMs } from '../platform/retry-after.ts';

export interface DeliverySchedule extends Backoff {
  /** In all, the first included. */
  attempts: number;
}

/** 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, 6 h, 6 h: about 20 to 24 hours. docs/on-finish.md has it too. */
export const SCHEDULE: DeliverySchedule = {
  attempts: 10,
  firstMs: 5000,
  factor: 4,
  maxMs: 6 * 3_600_000,
  jitter: 0.2,
};

/** Milliseconds until the attempt after `attempts` ones. A Retry-After header makes it longer, never shorter, and at most `maxMs`. */
export function delayMs(
  schedule: DeliverySchedule,
  attempts: number,
  retryAfter: string | readonly string[] | undefined,
  now: number,
  random: () => number = Math.random,
): number {
  const wait = backoffMs(schedule, attempts - 1, random);
  return Math.round(Math.max(wait, retryAfterMs(retryAfter, schedule.maxMs, now)));
}
