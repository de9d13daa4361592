import { Rejected } from '../../src/contract/outcome.ts';
import { AddressDenied } from '../../src/outbound/address-guard.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { nap } from '../../src/platform/timer.ts';
import type { AnswerHead } from '../wire/client.ts';
import { failureWords, statusWords } from '../wire/failure.ts';
import { parseJson, TextTaker, wordAt } from '../wire/json.ts';
import type { Journey } from '../wire/redirect.ts';
import { waitMs } from '../wire/wait.ts';
import type { Backend } from './backend.ts';
import { toRecord, writeJobRecord } from './job-record.ts';
import { type Places, placesIn } from './places.ts';
import { backoffOf, TRANSIENT, transientLimit } from './poll.ts';
import type { HttpAsyncSpec } from './spec.ts';
import type { JobStop } from './stop.ts';
import { fail, type JobTools } from './tools.ts';

const ACCEPTED: ReadonlySet<number> = new Set([200, 201, 202]);
/** 409: the first one with this idempotency key is still being looked at. */
const PASSING: ReadonlySet<number> = new Set([...TRANSIENT, 409]);

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
  const { journey, text } = await sendKickoff(backend, { spec, again, aborted, stop: stop.signal });
  const { head, error, sent, unsafeSent } = journey;
  job.answered = head !== null;
  job.sent ||= sent;
  job.unsafeSent ||= unsafeSent;
  if (error instanceof AddressDenied && !job.sent) throw new Rejected(`http.url: ${error.message}`);
  if (stop.signal.aborted) return null;
  if (head && !ACCEPTED.has(head.status))
    fail(tools, `kickoff expected HTTP 202 or 200, got ${statusWords(head)}`, text);
  else if (error !== null || head === null)
    fail(tools, `kickoff: ${failureWords(error ?? new Error('no answer'))}`);
  else return accepted(tools, text, head);
  return null;
}

/** What the kickoff's answer says of the job, and where to look for more. */
function accepted(tools: JobTools, text: string, head: AnswerHead): Places | null {
  const { ctx, job } = tools;
  const { poll_run_id_path: idPath } = ctx.spec;
  const document = parseJson(text);
  if (idPath !== undefined) job.runId = wordAt(document, idPath);
  const state = job.stateOf(document);
  // 202 says that it goes on, whatever the state.
  if (state !== undefined && !(head.status === 202 && job.isTerminal(state))) job.hear(text);
  try {
    const places = placesIn(tools, head, document);
    const stored = { poll: toRecord(places.poll), stream: toRecord(places.stream) };
    job.remember = (facts) => writeJobRecord(ctx.directory, { ...facts, ...stored });
    job.save();
    return places;
  } catch (error) {
    fail(tools, messageOf(error));
    return null;
  }
}

/** What became of the kickoff, or of its last try, and the answer's text. */
async function sendKickoff(
  backend: Backend,
  { spec, again, aborted, stop }: Kickoff,
): Promise<{ journey: Journey; text: string }> {
  for (let left = again ? transientLimit(spec) : 0, waits = 0; ; left--, waits++) {
    const taker = new TextTaker();
    const journey = await backend.kickoff(taker, stop);
    if (left <= 0 || !isPassing(journey) || aborted.aborted || stop.aborted)
      return { journey, text: taker.text() };
    await nap(waitMs(backoffOf(spec), waits, journey), aborted);
  }
}

function isPassing({ head, error }: Journey): boolean {
  return head ? PASSING.has(head.status) : !(error instanceof AddressDenied);
}
