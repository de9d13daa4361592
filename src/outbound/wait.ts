import { type Backoff, backoffMs } from '../platform/backoff.ts';
import { retryAfterMs } from '../platform/retry-after.ts';
import type { Exchange } from './exchange.ts';

/** An answer's Retry-After is obeyed so far. */
const LONGEST_ASKED_MS = 24 * 3_600_000;

/** How long to wait, after `n` waits, before the next request: it grows, and is at least what the last answer asks for. */
export function waitMs(backoff: Backoff, n: number, answer: Pick<Exchange, 'head'>): number {
  return Math.max(backoffMs(backoff, n), askedMs(answer));
}

/** The wait that an answer asks for; 0: none. */
export function askedMs({ head }: Pick<Exchange, 'head'>): number {
  return retryAfterMs(head?.headers['retry-after'], LONGEST_ASKED_MS);
}
