import { failureWords, statusWords } from '../../src/outbound/failure.ts';
import { isDenied, type Journey, NotFollowed } from '../../src/outbound/redirect.ts';
import { waitMs } from '../../src/outbound/wait.ts';
import type { Backoff } from '../../src/platform/backoff.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { TooLate, within } from '../../src/platform/timer.ts';
import { JsonText, preview } from '../wire/json.ts';
import { AnswerTooLong, WholeAnswer } from '../wire/whole-answer.ts';
import type { Backend } from './backend.ts';
import type { BackendJob } from './job.ts';
import { isPassing } from './passing.ts';
import type { HttpAsyncSpec } from './spec.ts';

/** Some cache on the way says so: nothing is asked on a condition. */
const NOT_MODIFIED = 304;
const DEFAULT_INTERVAL_SECONDS = 2;
/** A connection that died without a word would be waited for until the run's deadline, or for ever. */
const DEFAULT_POLL_TIMEOUT_SECONDS = 60;
const DEFAULT_TRANSIENT_LIMIT = 10;
const DEFAULT_MAX_SECONDS = 60;
const DEFAULT_JITTER = 0.1;
/** An interval of 0 still leaves room for others. */
const SHORTEST_MS = 10;

/** What one poll came to. `transient`: it says nothing of the job, and the next may. */
type Answer = { kind: 'heard' | 'pending' } | { kind: 'transient' | 'failed'; words: string };

export interface PollPlan {
  url: URL;
  /** The address came from the backend. */
  named: boolean;
  spec: HttpAsyncSpec;
  redact: (text: string) => string;
  /** Called after each answer that is not the end. */
  goesOn(): void;
  /** Called with the words of an answer that is borne, unless they are those of the one before. */
  bears(words: string, inARow: number): void;
}

/** Ask until the signal aborts, which the job's verdict does too, or asking has become pointless. */
export async function poll(
  job: BackendJob,
  backend: Backend,
  { url, named, spec, redact, goesOn, bears }: PollPlan,
  signal: AbortSignal,
): Promise<void> {
  const backoff = backoffOf(spec);
  const limit = transientLimit(spec);
  let inARow = 0;
  let told = '';
  for (let waits = 0; !signal.aborted; waits++) {
    const whole = new WholeAnswer();
    const limited = within((spec.poll_timeout_seconds ?? DEFAULT_POLL_TIMEOUT_SECONDS) * 1000, signal);
    const journey = await backend.call(url, { named }, whole, limited.signal).finally(limited.done);
    if (signal.aborted) return;
    job.polls++;
    const answer = await judge(job, journey, whole, { pending: spec.poll_pending_codes ?? [], redact });
    if (signal.aborted) return;
    if (answer.kind === 'failed') return job.fail(redact(answer.words));
    if (answer.kind === 'transient') {
      inARow++;
      if (inARow > limit) return job.fail(redact(`${answer.words}, ${inARow} times in a row`), 'unavailable');
      if (answer.words !== told) bears(redact(answer.words), inARow);
      told = answer.words;
    } else [inARow, told] = [0, ''];
    goesOn();
    await job.sleepers.next({ ms: Math.max(SHORTEST_MS, waitMs(backoff, waits, journey)), signal });
  }
}

async function judge(
  job: BackendJob,
  { head, error }: Journey,
  whole: WholeAnswer,
  { pending, redact }: { pending: readonly number[]; redact: (text: string) => string },
): Promise<Answer> {
  const failed = (words: string): Answer => ({ kind: 'failed', words: `poll: ${words}` });
  const transient = (words: string): Answer => ({ kind: 'transient', words: `poll: ${words}` });
  if (error !== null && isDenied(error)) return failed(failureWords(error));
  if (error instanceof TooLate) return transient('no whole answer in time');
  if (head && pending.includes(head.status)) return { kind: 'pending' };
  if (head && error instanceof NotFollowed) {
    const words = `${statusWords(head)}: ${error.message}`;
    return error.cause === undefined ? failed(words) : transient(words);
  }
  if (head && (isPassing(head.status) || head.status === NOT_MODIFIED)) return transient(statusWords(head));
  const content = await contentOf(whole);
  const said = (): string => (content instanceof Error ? '' : preview(redact(content.text)));
  const behind = (text: string): string => (text === '' ? '' : `: ${text}`);
  if (head && (head.status < 200 || head.status > 299))
    return {
      kind: 'failed',
      words: `poll expected HTTP 200, got ${statusWords(head)}${behind(said())}`,
    };
  if (error !== null) return (error instanceof AnswerTooLong ? failed : transient)(failureWords(error));
  if (content instanceof Error) return transient(content.message);
  if (content.excess !== null) return failed(`the answer ${content.excess}`); // it would the next time
  if (job.hear(content)) return { kind: 'heard' };
  if (head?.status === 202) return { kind: 'pending' };
  if (said() === '') return transient(`${head ? statusWords(head) : 'an answer'} without content`);
  return {
    kind: 'transient',
    words: content.isJson
      ? `poll response has no state at http.poll_status_path: ${said()}`
      : `poll response is not JSON: ${said()}`,
  };
}

/** Why it cannot be read, where it cannot. */
function contentOf(whole: WholeAnswer): Promise<JsonText | Error> {
  return whole.content().then(
    (bytes) => new JsonText(bytes),
    (error: unknown) => new Error(messageOf(error)),
  );
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
