import { AddressDenied } from '../../src/outbound/address-guard.ts';
import type { Backoff } from '../../src/platform/backoff.ts';
import { codeOf } from '../../src/platform/error-words.ts';
import { TooLate, within } from '../../src/platform/timer.ts';
import { failureWords, statusWords } from '../wire/failure.ts';
import { parseJson, preview, TextTaker } from '../wire/json.ts';
import type { Journey } from '../wire/redirect.ts';
import { waitMs } from '../wire/wait.ts';
import type { Backend } from './backend.ts';
import type { BackendJob } from './job.ts';
import type { HttpAsyncSpec } from './spec.ts';

/** Answers that may be another one a little later. */
export const TRANSIENT: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const DEFAULT_INTERVAL_SECONDS = 2;
/** A connection that died without a word would be waited for until the run's deadline, or for ever. */
const DEFAULT_POLL_TIMEOUT_SECONDS = 60;
const DEFAULT_TRANSIENT_LIMIT = 10;
const DEFAULT_MAX_SECONDS = 60;
const DEFAULT_JITTER = 0.1;
/** An interval of 0 still leaves room for others. */
const SHORTEST_MS = 10;

/** What one poll came to. */
type Answer = { kind: 'heard' | 'pending' } | { kind: 'transient' | 'failed'; words: string };

export interface PollPlan {
  url: URL;
  /** The address came from the backend. */
  named: boolean;
  spec: HttpAsyncSpec;
  redact: (text: string) => string;
  /** Called after each answer that is not the end. */
  goesOn(): void;
}

/** Ask until the signal aborts, which the job's verdict does too, or asking has become pointless. */
export async function poll(
  job: BackendJob,
  backend: Backend,
  { url, named, spec, redact, goesOn }: PollPlan,
  signal: AbortSignal,
): Promise<void> {
  const backoff = backoffOf(spec);
  const limit = transientLimit(spec);
  let inARow = 0;
  for (let waits = 0; !signal.aborted; waits++) {
    const taker = new TextTaker();
    const limited = within((spec.poll_timeout_seconds ?? DEFAULT_POLL_TIMEOUT_SECONDS) * 1000, signal);
    const journey = await backend.call(url, { named }, taker, limited.signal).finally(limited.done);
    if (signal.aborted) return;
    job.polls++;
    const answer = judge(job, journey, taker, spec.poll_pending_codes ?? []);
    inARow = answer.kind === 'transient' ? inARow + 1 : 0;
    if (answer.kind === 'failed') return job.fail(redact(answer.words));
    if (answer.kind === 'transient' && inARow > limit)
      return job.fail(redact(`${answer.words}, ${inARow} times in a row`));
    goesOn();
    await job.sleepers.next({ ms: Math.max(SHORTEST_MS, waitMs(backoff, waits, journey)), signal });
  }
}

function judge(job: BackendJob, journey: Journey, taker: TextTaker, pending: readonly number[]): Answer {
  const { head, error } = journey;
  if (error instanceof AddressDenied) return { kind: 'failed', words: `poll: ${error.message}` };
  if (error instanceof TooLate) return { kind: 'transient', words: 'poll: no whole answer in time' };
  if (head && pending.includes(head.status)) return { kind: 'pending' };
  if (head && TRANSIENT.has(head.status)) return { kind: 'transient', words: `poll: ${statusWords(head)}` };
  if (head && head.status !== 200 && head.status !== 202) {
    const text = preview(taker.text());
    return {
      kind: 'failed',
      words: `poll expected HTTP 200, got ${statusWords(head)}${text && `: ${text}`}`,
    };
  }
  // The code tells a network's error from our own, an answer that is too long.
  if (error !== null)
    return {
      kind: codeOf(error) !== undefined || head === null ? 'transient' : 'failed',
      words: `poll: ${failureWords(error)}`,
    };
  const text = taker.text();
  if (job.hear(text)) return { kind: 'heard' };
  if (head?.status === 202) return { kind: 'pending' };
  return {
    kind: 'failed',
    words:
      parseJson(text) === undefined
        ? `poll response is not JSON: ${preview(text)}`
        : `poll response has no state at http.poll_status_path: ${preview(text)}`,
  };
}

export function transientLimit({ poll_transient_limit: limit }: HttpAsyncSpec): number {
  return limit ?? DEFAULT_TRANSIENT_LIMIT;
}

export function backoffOf({
  poll_interval_seconds: interval,
  poll_backoff: given = {},
}: HttpAsyncSpec): Backoff {
  const initial = given.initial_seconds ?? interval ?? DEFAULT_INTERVAL_SECONDS;
  return {
    firstMs: initial * 1000,
    factor: given.factor ?? 1,
    maxMs: (given.max_seconds ?? Math.max(initial, DEFAULT_MAX_SECONDS)) * 1000,
    jitter: given.jitter ?? DEFAULT_JITTER,
  };
}
