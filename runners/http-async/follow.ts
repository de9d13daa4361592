import type { RunContext } from '../../src/contract/context.ts';
import { nap } from '../../src/platform/timer.ts';
import { type AnswerHead, singleOrNone } from '../wire/answer-head.ts';
import { failureWords, statusWords } from '../wire/failure.ts';
import { isFieldValue } from '../wire/header.ts';
import { JsonText, parseJson } from '../wire/json.ts';
import { isDenied } from '../wire/redirect.ts';
import type { Backend } from './backend.ts';
import type { BackendJob } from './job.ts';
import { isPassing } from './passing.ts';
import type { HttpAsyncSpec } from './spec.ts';
import { EventTooLong, type ServerSentEvent, SseReader } from './sse.ts';
import type { StreamPlace } from './stream-place.ts';

const OUTPUT_EVENTS = ['message', 'output'];
const DONE_EVENTS = ['done'];
const RECONNECT_MS = 1000;
/** A stream that ends again and again is not asked for more often. */
const SHORTEST_RECONNECT_MS = 100;
/** One that asks to be left alone for longer is asked all the same: the job goes on. */
const LONGEST_RECONNECT_MS = 60_000;
const DEFAULT_RECONNECTS = 10;

export interface FollowPlan {
  url: URL;
  /** The address came from the backend. */
  named: boolean;
  /** Nothing else will tell how the job ends. */
  alone: boolean;
  redact: (text: string) => string;
  /** Where it begins, and how far it came. */
  place: StreamPlace;
  /** Aborts when the job is over: a stream that ends then is not taken up again. */
  enough: AbortSignal;
}

/**
 * Follow the backend's server-sent events: a state is a state, output events are stdout, all others
 * progress. A stream that breaks is taken up again with Last-Event-ID; one that ends makes the poller look.
 */
export async function follow(
  job: BackendJob,
  backend: Backend,
  ctx: RunContext<HttpAsyncSpec>,
  { url, named, alone, redact, place, enough }: FollowPlan,
  signal: AbortSignal,
): Promise<void> {
  const limit = ctx.spec.poll_transient_limit ?? DEFAULT_RECONNECTS;
  let done = false;
  let retryMs = RECONNECT_MS;
  const take = (event: ServerSentEvent): void => {
    done ||= (ctx.spec.stream_done_events ?? DONE_EVENTS).includes(event.type);
    tell(job, ctx, event, place, redact);
  };
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
    const reader = new SseReader(take);
    const id = lastEventId(place.id);
    const journey = await backend.call(
      url,
      { named, headers: { accept: 'text/event-stream', ...id } },
      {
        head: (head) => head.status === 200 && isStream(head),
        data: (chunk) => {
          failures = 0;
          job.streamedAt = performance.now();
          reader.push(chunk);
          place.reached(reader.lastId);
        },
      },
      signal,
    );
    if (signal.aborted) return;
    retryMs = Math.min(Math.max(reader.retryMs ?? retryMs, SHORTEST_RECONNECT_MS), LONGEST_RECONNECT_MS);
    const { head, error } = journey;
    broken = error !== null || head?.status !== 200;
    why = error ? `stream: ${failureWords(error)}` : 'the stream ended before the job';
    refused = head !== null && head.status !== 200;
    if (head && refused) why = `stream: ${statusWords(head)}`;
    if (head && !isPassing(head.status) && (head.status !== 200 || !isStream(head))) break;
    if (isDenied(error) || error instanceof EventTooLong) break; // it stays so
    if (!done) await nap(retryMs, enough);
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

/** In plain bytes: what is compressed, unasked, cannot be read as it comes. */
function isStream(head: AnswerHead): boolean {
  const coding = singleOrNone(head, 'content-encoding') ?? 'identity';
  return (
    /^text\/event-stream\b/i.test(singleOrNone(head, 'content-type') ?? '') && /^identity$/i.test(coding)
  );
}

function tell(
  job: BackendJob,
  { spec, output }: RunContext<HttpAsyncSpec>,
  { type, data, id }: ServerSentEvent,
  place: StreamPlace,
  redact: (text: string) => string,
): void {
  if (data.startsWith('{') && job.hear(new JsonText(data))) return;
  if ((spec.stream_output_events ?? OUTPUT_EVENTS).includes(type)) {
    if (data === '') return;
    job.streamed = true;
    const news = place.news(Buffer.from(redact(data)), id);
    if (news.length > 0) output.write('stdout', news);
    return;
  }
  output.progress({ message: redact(type), data: told(parseJson(data) ?? data, redact) });
}

/** A JSON value without the secret, however its texts were escaped. */
function told(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => told(item, redact));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [redact(name), told(item, redact)]));
}

/** As it came, in UTF-8 (WHATWG HTML, 9.2.3). Not where a header cannot have it. */
function lastEventId(id: string | undefined): Record<string, string> {
  const value = Buffer.from(id ?? '').toString('latin1');
  return value !== '' && isFieldValue(value) ? { 'last-event-id': value } : {};
}
