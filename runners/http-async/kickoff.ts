import { Rejected } from '../../src/contract/outcome.ts';
import { failureWords, statusWords } from '../../src/outbound/failure.ts';
import { isDenied, type Journey, NotFollowed } from '../../src/outbound/redirect.ts';
import { waitMs } from '../../src/outbound/wait.ts';
import { codeOf, messageOf } from '../../src/platform/error-words.ts';
import { nap } from '../../src/platform/timer.ts';
import { JsonText } from '../wire/json.ts';
import { WholeAnswer } from '../wire/whole-answer.ts';
import type { Backend } from './backend.ts';
import type { BackendJob } from './job.ts';
import { toRecord, writeJobRecord } from './job-record.ts';
import { hasCallback, hasKey } from './kickoff-request.ts';
import { isPassing } from './passing.ts';
import { type Acknowledgement, type Places, placesIn } from './places.ts';
import { backoffOf, transientLimit } from './poll.ts';
import type { HttpAsyncSpec } from './spec.ts';
import type { JobStop } from './stop.ts';
import { fail, type JobTools } from './tools.ts';

const ACCEPTED: ReadonlySet<number> = new Set([200, 201, 202]);
/** 409: the first one with this idempotency key is still being looked at. */
const STILL_LOOKED_AT = 409;

interface Kickoff {
  spec: HttpAsyncSpec;
  /** An earlier server may have sent it: it is tried as patiently as a poll. */
  again: boolean;
  /** The run is to stop: it is tried no more. */
  aborted: AbortSignal;
  /** Its answer is of no use any more. */
  stop: AbortSignal;
}

/** Start the job. Returns where to look for more; null when nothing is to be looked for, as the job then knows. */
export async function kickOff(
  tools: JobTools,
  { graceOver }: JobStop,
  { again }: Pick<Kickoff, 'again'>,
): Promise<Places | null> {
  const { ctx, backend, job } = tools;
  const { spec, signal: aborted } = ctx;
  const stop = new AbortController();
  // A kickoff under way when the run is aborted may still name the job that has to be cancelled.
  void job.verdict.then(({ kind }) => {
    if (kind !== 'aborted' || spec.cancel === undefined) stop.abort();
  });
  graceOver.addEventListener('abort', () => stop.abort(), { once: true });
  const { journey, payload, unreadable } = await sendKickoff(backend, {
    spec,
    again,
    aborted,
    stop: stop.signal,
  });
  const { head, error, sent, unsafeSent, url } = journey;
  job.answered = head !== null;
  job.sent ||= sent;
  job.unsafeSent ||= unsafeSent;
  if (error !== null && isDenied(error) && !job.sent) throw new Rejected(`http.url: ${error.message}`);
  if (stop.signal.aborted) return null;
  if (head && error instanceof NotFollowed) notFollowed(tools, `kickoff: ${statusWords(head)}`, error);
  else if (head && !ACCEPTED.has(head.status))
    fail(tools, `kickoff expected HTTP 202 or 200, got ${statusWords(head)}`, payload.text);
  else if (head === null) {
    const words = `kickoff: ${failureWords(error ?? new Error('no answer'))}`;
    const answeredOddly = error !== null && (codeOf(error) ?? '').startsWith('HPE_');
    fail(tools, answeredOddly ? `${words}; a job that it began may go on` : words);
  } else {
    const answer = { head, url, payload, callback: hasCallback(spec, journey) };
    return error === null ? accepted(tools, answer, unreadable) : acceptedAndBroken(tools, answer, error);
  }
  return null;
}

function notFollowed({ job, redact }: JobTools, answer: string, error: NotFollowed): void {
  const words = redact(`${answer}: ${error.message}`);
  if (isDenied(error)) job.reject(words);
  else job.fail(words);
}

/** The job was taken, though the answer that says so was not whole: what came of it may be enough to watch the job. */
function acceptedAndBroken(tools: JobTools, answer: Acknowledgement, error: Error): Places | null {
  const words = `kickoff: ${failureWords(error)}`;
  const { payload } = answer;
  // A document that is closed is whole; half a number would be another one.
  const isWhole = payload.isJson && /^[\ufeff\s]*[{[]/.test(payload.text);
  const places = accepted(tools, { ...answer, payload: isWhole ? payload : new JsonText('') }, '', words);
  if (places !== null)
    tools.ctx.output.progress({ message: tools.redact(`${words}: its job is watched all the same`) });
  return places;
}

/** What the kickoff's answer says of the job, and where to look for more. */
function accepted(
  tools: JobTools,
  answer: Acknowledgement,
  unreadable: string,
  broken?: string,
): Places | null {
  const { ctx, job } = tools;
  const { head, payload } = answer;
  const { poll_run_id_path: idPath } = ctx.spec;
  if (idPath !== undefined) job.runId = payload.wordAt(idPath);
  const state = job.stateOf(payload);
  // 202 says that it goes on, whatever the state.
  if (state !== undefined && !(head.status === 202 && job.isTerminal(state))) job.hear(payload);
  try {
    const places = placesIn(tools, answer);
    if (broken !== undefined && !isWatchable(places, job)) throw new Error(broken);
    const { callback } = places;
    const stored = { poll: toRecord(places.poll), stream: toRecord(places.stream), callback };
    job.remember = (facts) => {
      writeJobRecord(ctx.directory, { ...facts, ...stored });
      ctx.outlives();
    };
    job.save();
    return places;
  } catch (error) {
    fail(tools, broken ?? messageOf(error) + (unreadable && `; ${unreadable}`));
    return null;
  }
}

function isWatchable({ poll, stream, callback }: Places, job: BackendJob): boolean {
  return (
    poll !== null ||
    stream !== null ||
    callback ||
    (job.lastState !== undefined && job.isTerminal(job.lastState))
  );
}

interface Answered {
  journey: Journey;
  payload: JsonText;
  /** Why there is no payload, though there may be one. The job may have begun all the same. */
  unreadable: string;
}

/** What became of the kickoff, or of its last try. */
async function sendKickoff(backend: Backend, { spec, again, aborted, stop }: Kickoff): Promise<Answered> {
  for (let left = again ? transientLimit(spec) : 0, waits = 0; ; left--, waits++) {
    const whole = new WholeAnswer();
    const journey = await backend.kickoff(whole, stop);
    if (left <= 0 || !mayBeRepeated(spec, journey) || aborted.aborted || stop.aborted)
      return whole.content().then(
        (bytes) => readable(journey, new JsonText(bytes)),
        (error: unknown) => ({ journey, payload: new JsonText(''), unreadable: messageOf(error) }),
      );
    await nap(waitMs(backoffOf(spec), waits, journey), aborted);
  }
}

function readable(journey: Journey, payload: JsonText): Answered {
  return { journey, payload, unreadable: payload.excess === null ? '' : `the answer ${payload.excess}` };
}

function mayBeRepeated(spec: HttpAsyncSpec, journey: Journey): boolean {
  const { head, error } = journey;
  if (!hasKey(spec, journey)) return false;
  return head ? isPassing(head.status) || head.status === STILL_LOOKED_AT : !isDenied(error);
}
