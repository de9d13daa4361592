import type { MissingOutput } from '../artifacts/outputs.ts';
import { type AbortReason, CannotBegin, Rejected, type RunnerOutcome } from '../contract/outcome.ts';
import { captureFile, type RunDirectory } from '../disk/run-directory.ts';
import {
  type ArtifactDescriptor,
  type ArtifactFacts,
  describeArtifact,
  type Omitted,
} from '../documents/artifact.ts';
import type { CancelledBy } from '../documents/cancelled-by.ts';
import { type FailureReason, failureOf } from '../documents/failure.ts';
import { type Invocation, SCHEMA_VERSION } from '../documents/invocation.ts';
import {
  byChannel,
  type CaptureFacts,
  type Outcome,
  type TimeoutReason,
  untoldGaps,
} from '../documents/outcome.ts';
import type { FinalStatus, RuntimeResult } from '../documents/result.ts';
import type { RxpKind } from '../documents/rxp-kind.ts';
import { CHANNELS, isOfSetup, streamOf } from '../documents/stream.ts';
import type { WorkspaceOutcome } from '../documents/workspace.ts';
import { messageOf } from '../platform/error-words.ts';

/** All that is known of a run when it is over. Times in ms since the epoch. */
export interface RunFacts {
  invocation: Invocation;
  /** RxP's word for what the run was. */
  rxpKind: RxpKind;
  directory: RunDirectory;
  startedAt: number | null;
  /** The runner was called. */
  ran: boolean;
  finishedAt: number;
  queueMs: number;
  collectMs: number | null;
  /** Why it was aborted: beats what was thrown, which beats the outcome. */
  reason: AbortReason | null;
  thrown: unknown;
  outcome: RunnerOutcome | null;
  captures: CaptureFacts | null;
  artifacts: readonly ArtifactFacts[];
  omitted: readonly Omitted[];
  /** Outputs that had to be there. */
  missing: readonly MissingOutput[];
  /** Absent: the run had none. */
  workspace?: WorkspaceOutcome | undefined;
  /** Trouble after the work was done, e.g. a result file that cannot be written: said, without changing the status. */
  notes: readonly string[];
  /** seq of the event after the journal. */
  nextSeq: number;
}

interface Verdict {
  status: FinalStatus;
  ended: Outcome['ended'];
  summary: string | null;
  failure: FailureReason | null;
}

/** The one place where facts become a status. */
export function normalize(facts: RunFacts): { result: RuntimeResult; outcome: Outcome } {
  const { invocation, directory, captures, outcome } = facts;
  const reason = endedInTime(facts) ? null : facts.reason;
  const { status, ended, summary, failure } = verdict({ ...facts, reason });
  const artifacts: ArtifactDescriptor[] = [
    ...captureArtifacts(facts),
    ...facts.artifacts.map((artifact) => describeArtifact(invocation.invocation_id, artifact)),
  ];
  const finishedAt = new Date(facts.finishedAt).toISOString();
  const result: RuntimeResult = {
    schema_version: SCHEMA_VERSION,
    contract_kind: 'runtime_result',
    invocation_id: invocation.invocation_id,
    runtime_name: invocation.runtime_name,
    runtime_kind: facts.rxpKind,
    status,
    exit_code: outcome?.exitCode ?? null,
    started_at: facts.startedAt === null ? finishedAt : new Date(facts.startedAt).toISOString(),
    finished_at: finishedAt,
    stdout_path: captures && captureFile(directory, 'stdout', captures.stdout.kept),
    stderr_path: captures && captureFile(directory, 'stderr', captures.stderr.kept),
    artifacts,
    error_summary:
      [summary, missingWords(facts), ...facts.notes].filter((words) => words !== null).join('; ') || null,
    metadata: outcome?.metadata ?? {},
  };
  const never = facts.thrown instanceof Rejected || facts.thrown instanceof CannotBegin;
  const started = outcome ? outcome.started : facts.ran && !never;
  return {
    result,
    outcome: {
      ended,
      started,
      retry_safe: outcome ? outcome.retrySafe : !started,
      exit_code: outcome?.exitCode ?? null,
      signal: outcome?.signal ?? null,
      timeout_reason: reason === null ? (outcome?.timeoutReason ?? null) : timeoutReason(reason),
      stdout: captures?.stdout ?? null,
      stderr: captures?.stderr ?? null,
      ...(captures?.setup && { setup_stdout: captures.setup.stdout, setup_stderr: captures.setup.stderr }),
      last_seq: facts.nextSeq + gapsOf(captures).length + artifacts.length,
      timings: {
        queue_ms: facts.queueMs,
        ...outcome?.timings,
        ...(facts.collectMs === null ? {} : { collect_ms: facts.collectMs }),
      },
      usage: outcome?.usage ?? null,
      kill: outcome?.kill ?? null,
      failure: failure && failureOf(failure),
      cancelled_by: cancelledBy(facts, status),
      omitted: [...facts.omitted],
      ...(outcome?.setup && { setup: outcome.setup }),
      ...(facts.workspace && { workspace: facts.workspace }),
    },
  };
}

function timeoutReason(reason: AbortReason): TimeoutReason | null {
  return reason.kind === 'timeout' ? reason.which : null;
}

const TIMEOUT_WORDS = {
  run: 'ran longer than',
  idle: 'wrote no output for',
  queue: 'waited to start for longer than',
  setup: 'setup took longer than',
} as const;

/** The clock came late: while no server lived, or as one was slow to look, the program ended by itself before its time was over. */
function endedInTime({ reason, outcome }: RunFacts): boolean {
  if (reason?.kind !== 'timeout' || reason.which !== 'run' || !outcome || outcome.kill) return false;
  if (outcome.ended !== 'exited' && outcome.ended !== 'signaled') return false;
  const { run_ms: took } = outcome.timings ?? {};
  return took !== undefined && took < reason.seconds * 1000;
}

function verdict({ reason, thrown, outcome, captures, missing }: RunFacts): Verdict {
  if (reason?.kind === 'timeout')
    return {
      status: 'timed_out',
      ended: 'timed_out',
      summary: outcome?.timeoutSummary ?? `${TIMEOUT_WORDS[reason.which]} ${reason.seconds} s`,
      failure: 'timed_out',
    };
  if (reason?.kind === 'cancel')
    return {
      status: 'cancelled',
      ended: 'cancelled',
      summary: reason.by === 'shutdown' ? 'cancelled: the server was stopped' : 'cancelled',
      failure: 'cancelled',
    };
  if (thrown instanceof Rejected)
    return { status: 'rejected', ended: 'rejected', summary: thrown.message, failure: 'rejected' };
  if (thrown instanceof CannotBegin)
    return { status: 'failed', ended: 'never_started', summary: thrown.message, failure: 'shortage' };
  if (!outcome)
    return {
      status: 'failed',
      ended: 'lost',
      summary: `the run could not be carried out: ${messageOf(thrown)}`,
      failure: 'lost',
    };
  const succeeded = outcome.success ?? outcome.exitCode === 0;
  const status = outcome.completion ?? (succeeded ? 'succeeded' : 'failed');
  const unkept = status === 'succeeded' && lostOutput(captures);
  const lacks = status === 'succeeded' && missing.length > 0;
  return {
    status: unkept || lacks ? 'failed' : status,
    ended: outcome.completion === 'cancelled' ? 'cancelled' : outcome.ended,
    summary: outcome.errorSummary ?? null,
    failure: lacks
      ? 'output_missing'
      : unkept
        ? 'output_lost'
        : status === 'succeeded'
          ? null
          : failureReason(outcome, status),
  };
}

const FAILURE_OF = {
  exited: 'exit_code',
  signaled: 'signal',
  setup_failed: 'setup_failed',
  never_started: 'unavailable',
  rejected: 'rejected',
  lost: 'lost',
  responded: 'status',
  completed: 'reported',
} as const;

function failureReason({ failure, ended }: RunnerOutcome, status: FinalStatus): FailureReason {
  if (status === 'rejected' || status === 'timed_out' || status === 'cancelled') return status;
  return failure ?? FAILURE_OF[ended];
}

function cancelledBy({ reason, outcome }: RunFacts, status: FinalStatus): CancelledBy | null {
  if (status !== 'cancelled') return null;
  const by = reason?.kind === 'cancel' ? reason.by : outcome?.cancelledBy;
  return by === undefined ? null : { by };
}

/** Found out after a long run, where it was meant as one. */
const noGlob = (path: string): string => (/[*?]/.test(path) ? '; it is a path and not a glob' : '');

/** Said of every run whose work began, whatever else became of it. */
function missingWords({ missing, ran, thrown, outcome }: RunFacts): string | null {
  const began = ran && !(thrown instanceof Rejected || thrown instanceof CannotBegin);
  if (missing.length === 0 || !began || outcome?.started === false) return null;
  const each = missing.map(({ id, path, reason }) => `${id} (${path}: ${reason}${noGlob(path)})`);
  return `missing outputs: ${each.join(', ')}`;
}

/** Who relies on the output must not take it for whole. */
function lostOutput(captures: RunFacts['captures']): boolean {
  return gapsOf(captures).some(({ reason }) => reason === 'storage');
}

function gapsOf(captures: RunFacts['captures']) {
  return captures === null ? [] : untoldGaps(byChannel(captures));
}

/** `stdout` and `stderr`, always first and in this order, also when empty; then those of the setup, where there was one. */
function captureArtifacts({ invocation, directory, captures, finishedAt }: RunFacts): ArtifactDescriptor[] {
  if (!captures) return [];
  const facts = byChannel(captures);
  return CHANNELS.flatMap((channel) => {
    const { kept, sha256 } = facts[channel] ?? {};
    if (kept === undefined || sha256 === undefined) return [];
    return describeArtifact(invocation.invocation_id, {
      id: channel,
      path: captureFile(directory, channel, kept),
      kind: 'log_excerpt',
      description: `captured ${streamOf(channel)}${isOfSetup(channel) ? ' of the setup' : ''}`,
      sizeBytes: kept,
      sha256,
      mediaType: 'application/octet-stream',
      modifiedAt: new Date(finishedAt).toISOString(),
    });
  });
}
