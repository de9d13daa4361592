import { type AnswerHead, contentCodings, singleOrNone } from '../../src/outbound/answer-head.ts';
import type { Exchange, Taker } from '../../src/outbound/exchange.ts';
import { failureWords, statusWords } from '../../src/outbound/failure.ts';
import { isDenied, type Journey } from '../../src/outbound/redirect.ts';
import { waitMs } from '../../src/outbound/wait.ts';
import { nap } from '../../src/platform/timer.ts';
import { isFieldValue } from '../wire/header.ts';
import { isPassing } from './passing.ts';
import { EventTooLong, SseReader } from './sse.ts';
import { StreamTelling } from './stream-telling.ts';
import type { JobTools } from './tools.ts';

const RECONNECT_MS = 1000;
/** A stream that ends again and again is not asked for more often. */
const SHORTEST_RECONNECT_MS = 100;
/** Nor are waits longer that grow or are asked for by the stream itself: the job goes on. */
const LONGEST_RECONNECT_MS = 60_000;
/** A connection that brought nothing new, but was kept so long, was no failure: the job is quiet. */
const LONG_ENOUGH_MS = 10_000;
const DEFAULT_RECONNECTS = 10;
/** Of a stream so many bytes are taken at once: an event may have less than ten, and each is told. */
const PIECE_BYTES = 8192;

export interface FollowPlan {
  url: URL;
  /** The address came from the backend. */
  named: boolean;
  /** Nothing else will tell how the job ends. */
  alone: boolean;
  /** Aborts when the job is over: a stream that ends then is not taken up again. */
  enough: AbortSignal;
}

/**
 * Follow the backend's server-sent events. A stream that breaks or ends is taken up again with Last-Event-ID, after waits
 * that grow until one brings something new; one that ends makes the poller look.
 */
export async function follow(
  tools: JobTools,
  { url, named, alone, enough }: FollowPlan,
  signal: AbortSignal,
): Promise<void> {
  const { ctx, job, place, redact } = tools;
  const limit = ctx.spec.poll_transient_limit ?? DEFAULT_RECONNECTS;
  let done = false;
  let retryMs = RECONNECT_MS;
  let why = 'the stream ended';
  let refused = false;
  let broken = false;
  let last = false;
  for (let failures = 0; !done && failures <= limit; failures++) {
    // The job is over. What a stream that broke did not bring is asked for once more.
    if (enough.aborted) {
      if (last || !broken || (place.id === undefined && job.streamed)) break;
      last = true;
    }
    const began = performance.now();
    const { journey, telling, reader } = await connect(tools, { url, named }, signal);
    if (signal.aborted) return;
    done = telling.done;
    retryMs = reader.retryMs ?? retryMs;
    const { head, error } = journey;
    broken = error !== null || head?.status !== 200;
    why = error ? `stream: ${failureWords(error)}` : 'the stream ended before the job';
    refused = head !== null && head.status !== 200;
    if (head && refused) why = `stream: ${statusWords(head)}`;
    if (head && !isPassing(head.status) && (head.status !== 200 || !isStream(head))) break;
    if (isDenied(error) || error instanceof EventTooLong) break; // it stays so
    const quiet = job.streamedAt > began && performance.now() - began > LONG_ENOUGH_MS;
    if (place.history.moved || quiet) failures = 0;
    if (!done && failures < limit) await nap(reconnectMs(retryMs, failures, journey), enough);
  }
  if (enough.aborted) {
    if (!done && broken && job.streamed)
      ctx.output.progress({ message: redact(`${why}: the end of its output may be missing`) });
    return;
  }
  job.sleepers.wake();
  if (alone) job.fail(redact(why), refused ? 'status' : 'broken_off');
  else if (!done) ctx.output.progress({ message: redact(why) });
}

/** Take what one connection brings. */
async function connect(
  tools: JobTools,
  { url, named }: Pick<FollowPlan, 'url' | 'named'>,
  signal: AbortSignal,
): Promise<{ journey: Journey; telling: StreamTelling; reader: SseReader }> {
  const { job, streams: backend, place, masking } = tools;
  const telling = new StreamTelling(tools);
  const reader = new SseReader(telling.take);
  place.history.connect();
  const headers = { accept: 'text/event-stream', ...lastEventId(place.id) };
  const taker: Taker = {
    head: (head) => head.status === 200 && isStream(head),
    data: (chunk) => {
      job.streamedAt = performance.now();
      reader.push(chunk);
      job.saveLatest();
      if (!place.history.repeating) place.reached(reader.lastId, masking.holds);
    },
    pieceBytes: PIECE_BYTES,
  };
  const journey = await backend.call(url, { named, headers }, taker, signal);
  return { journey, telling, reader };
}

/**
 * How long to wait before the stream is asked for again, after so many failures in a row: at first what it asks for
 * itself (`retry:`), then longer, and at least what a refusal asks for (Retry-After).
 */
export function reconnectMs(retryMs: number, failures: number, answer: Pick<Exchange, 'head'>): number {
  const firstMs = Math.min(Math.max(retryMs, SHORTEST_RECONNECT_MS), LONGEST_RECONNECT_MS);
  return waitMs({ firstMs, factor: 2, maxMs: LONGEST_RECONNECT_MS, jitter: 0.1 }, failures, answer);
}

/** In plain bytes: what is compressed, unasked, cannot be read as it comes. */
function isStream(head: AnswerHead): boolean {
  const type = singleOrNone(head, 'content-type') ?? '';
  return /^text\/event-stream\s*(?:;|$)/i.test(type) && contentCodings(head).length === 0;
}

/** As it came, in UTF-8 (WHATWG HTML, 9.2.3). Not where a header cannot have it. */
function lastEventId(id: string | undefined): Record<string, string> {
  const value = Buffer.from(id ?? '').toString('latin1');
  return value !== '' && isFieldValue(value) ? { 'last-event-id': value } : {};
}
