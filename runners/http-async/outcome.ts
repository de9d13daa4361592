import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { keepEach, keepText } from '../wire/artifact.ts';
import { preview, valueAt, wordAt } from '../wire/json.ts';
import type { BackendJob, Verdict } from './job.ts';
import type { HttpAsyncSpec } from './spec.ts';
import type { JobTools } from './tools.ts';

const CANCELLED = new Set(['cancelled', 'canceled']);

/** Outcome, final payload and output of a job that is over or given up. `cancelled`: what became of the cancel call. */
export function jobOutcome(
  { ctx, job, redact }: JobTools,
  verdict: Verdict,
  cancelled: string | null,
): RunnerOutcome {
  const { answered, sent, unsafeSent } = job;
  const { spec, invocation, directory } = ctx;
  if (verdict.kind === 'terminal' && !job.streamed) writeOutput(ctx, job, verdict.document, redact);
  const payload = job.lastPayload;
  const facts = {
    started: sent,
    retrySafe: !unsafeSent,
    timeoutSummary: `${answered ? 'poll' : 'kickoff'} exceeded timeout of ${invocation.timeout_seconds} s`,
    ...(payload === undefined
      ? {}
      : keepEach({
          final_payload: (id) =>
            keepText(directory, redact(payload), {
              id,
              kind: 'http_payload',
              description: 'last answer of the backend',
              mediaType: 'application/json',
            }),
        })),
    metadata: metadataOf(job, cancelled, redact),
  };
  if (verdict.kind !== 'terminal')
    return {
      ...facts,
      ended: answered ? 'responded' : sent ? 'lost' : 'never_started',
      exitCode: answered && verdict.kind === 'failed' ? 1 : null,
      success: false,
      errorSummary: verdict.kind === 'failed' ? verdict.words : null,
    };
  const { state, document } = verdict;
  const success = (spec.poll_success_states ?? ['completed']).includes(state);
  const why = spec.error_path === undefined ? undefined : wordAt(document, spec.error_path);
  return {
    ...facts,
    ended: 'completed',
    exitCode: success ? 0 : 1,
    success,
    ...(CANCELLED.has(state.toLowerCase()) && !success ? { completion: 'cancelled' as const } : {}),
    errorSummary: success
      ? null
      : redact(`backend reported terminal status: ${state}${why ? `: ${preview(why, 500)}` : ''}`),
  };
}

/** The result as stdout: text as it is, a list of texts joined, anything else as JSON. */
function writeOutput(
  { spec, output }: RunContext<HttpAsyncSpec>,
  job: BackendJob,
  document: unknown,
  redact: (text: string) => string,
): void {
  const text =
    spec.output_path === undefined ? (job.lastPayload ?? '') : textOf(valueAt(document, spec.output_path));
  if (text !== '') output.write('stdout', Buffer.from(redact(text)));
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join('');
  return JSON.stringify(value);
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
