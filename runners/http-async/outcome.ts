import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { keepBytes, keepEach } from '../wire/artifact.ts';
import { type JsonText, preview } from '../wire/json.ts';
import { saysCancelled } from './cancelled-state.ts';
import type { BackendJob, Verdict } from './job.ts';
import type { HttpAsyncSpec } from './spec.ts';
import type { JobTools } from './tools.ts';

/** Outcome, final payload and output of a job that is over or given up. `cancelled`: what became of the cancel call. */
export function jobOutcome(
  { ctx, job, redact }: JobTools,
  verdict: Verdict,
  cancelled: string | null,
): RunnerOutcome {
  const { answered, sent, unsafeSent } = job;
  const { spec, invocation, directory } = ctx;
  const replaced =
    verdict.kind === 'terminal' && !job.streamed ? writeOutput(ctx, verdict.payload, redact) : 0;
  const payload = verdict.kind === 'terminal' ? verdict.payload : job.lastPayload;
  const facts = {
    started: sent,
    retrySafe: !unsafeSent,
    timeoutSummary: `${answered ? 'poll' : 'kickoff'} exceeded timeout of ${invocation.timeout_seconds} s`,
    ...(payload === undefined
      ? {}
      : keepEach({
          final_payload: (id) =>
            keepBytes(directory, redactedBytes(payload, redact), {
              id,
              kind: 'http_payload',
              description: 'last answer of the backend',
              mediaType: 'application/json',
            }),
        })),
    metadata: {
      ...metadataOf(job, cancelled, redact),
      ...(replaced === 0 ? {} : { output_characters_replaced: String(replaced) }),
    },
  };
  if (verdict.kind !== 'terminal')
    return {
      ...facts,
      ...(verdict.kind === 'failed' && verdict.rejected
        ? { ended: 'rejected' as const, completion: 'rejected' as const }
        : {
            ended: answered ? ('responded' as const) : sent ? ('lost' as const) : ('never_started' as const),
          }),
      ...(verdict.kind === 'failed' && verdict.reason && { failure: verdict.reason }),
      exitCode: answered && verdict.kind === 'failed' ? 1 : null,
      success: false,
      ...(verdict.kind === 'failed' && answered && { failure: verdict.reason }),
      errorSummary: verdict.kind === 'failed' ? verdict.words : null,
    };
  const { state, payload: final } = verdict;
  const success = (spec.poll_success_states ?? ['completed']).includes(state);
  const why = spec.error_path === undefined ? undefined : final.wordAt(spec.error_path);
  return {
    ...facts,
    ended: 'completed',
    exitCode: success ? 0 : 1,
    success,
    ...(saysCancelled(state) && !success
      ? { completion: 'cancelled' as const, cancelledBy: 'backend' as const }
      : {}),
    errorSummary: success
      ? null
      : redact(`backend reported terminal status: ${state}${why ? `: ${preview(redact(why), 500)}` : ''}`),
  };
}

/**
 * The result as stdout: text as it is, a list of texts joined, anything else as its JSON stands there. Returns how many
 * halves of surrogate pairs, which UTF-8 has no bytes for, became U+FFFD.
 */
function writeOutput(
  { spec: { output_path: path }, output }: RunContext<HttpAsyncSpec>,
  payload: JsonText,
  redact: (text: string) => string,
): number {
  if (path === undefined) output.write('stdout', redactedBytes(payload, redact));
  const text = path === undefined ? '' : textAt(payload, path);
  if (text !== '') output.write('stdout', Buffer.from(redact(text)));
  return text.match(/\p{Surrogate}/gu)?.length ?? 0;
}

/** As it came, unless it has the secret in it. */
function redactedBytes({ text, bytes }: JsonText, redact: (text: string) => string): Buffer {
  const told = redact(text);
  return told === text ? bytes : Buffer.from(told);
}

function textAt(payload: JsonText, path: string): string {
  const value = payload.at(path);
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join('');
  return payload.jsonAt(path) ?? '';
}

function metadataOf(
  { runId, lastState, polls }: BackendJob,
  cancelled: string | null,
  redact: (text: string) => string,
): Record<string, string> {
  return {
    ...(runId === undefined ? {} : { run_id: redact(runId) }),
    ...(lastState === undefined ? {} : { last_state: redact(lastState) }),
    polls: String(polls),
    ...(cancelled === null ? {} : { cancel: redact(cancelled) }),
  };
}
