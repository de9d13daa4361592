import type { ArtifactFacts, Omitted } from '../documents/artifact.ts';
import type { Canceller } from '../documents/cancelled-by.ts';
import type { FieldError } from '../documents/errors.ts';
import type { FailureReason } from '../documents/failure.ts';
import type { CaptureFacts, Kill, TimeoutReason, Timings, Usage } from '../documents/outcome.ts';
import type { FinalStatus } from '../documents/result.ts';
import type { SetupStep } from '../documents/setup.ts';

/** Its name in the place of an output that was brought. */
export const BROUGHT_AS = 'it';

/** An output of work that had a tree of its own, brought below the run directory. */
export interface BroughtOutput {
  id: string;
  /** A directory in which it is under the name BROUGHT_AS. Null: it is not there, for this reason. */
  place: string | null;
  reason?: string;
}

/** Facts of a run that is over. */
export interface RunnerOutcome {
  ended:
    | 'exited'
    | 'signaled'
    | 'setup_failed'
    | 'never_started'
    | 'rejected'
    | 'lost'
    | 'responded'
    | 'completed';
  /** Did the work begin. */
  started: boolean;
  /** True only if it provably did not begin. */
  retrySafe: boolean;
  /** Process exit code (−N for signal N), HTTP status, or null. Never made up. */
  exitCode: number | null;
  signal?: string | null;
  /** Success as the kind understands it; default: exitCode is 0. */
  success?: boolean;
  /** A final status named by the outside world (a backend's `cancelled`, a worker's completion). */
  completion?: FinalStatus;
  errorSummary?: string | null;
  /** Why it failed, where `ended` does not tell. */
  failure?: FailureReason | undefined;
  /** With the completion `cancelled`: who had it cancelled. */
  cancelledBy?: Canceller;
  /** With the completion `timed_out`: which time it was. */
  timeoutReason?: TimeoutReason;
  /** Words for a timeout where the kind has its own. */
  timeoutSummary?: string;
  /** Artifacts the runner itself made (a response, a final payload), stored in directory.artifacts. */
  artifacts?: ArtifactFacts[];
  /** Absent: they are looked for in the working directory. */
  outputs?: readonly BroughtOutput[];
  /** What the runner itself left out of the artifacts, and why. */
  omitted?: Omitted[];
  /** Trouble that is told whatever the status is. */
  notes?: string[];
  metadata?: Record<string, string>;
  /** Facts of captures written by an outside writer. */
  captures?: CaptureFacts;
  /** What became of the commands of the setup, those that were begun. Where there was one. */
  setup?: SetupStep[];
  usage?: Usage | null;
  kill?: Kill | null;
  timings?: Timings;
}

/** The server could not begin the work, for a reason of its own (`cause`): the run ends as `failed`, and may be tried again. */
export class CannotBegin extends Error {
  constructor(message: string, options: { cause: unknown }) {
    super(message, options);
    this.name = 'CannotBegin';
  }
}

/** The work cannot be run as it was asked for: the run ends as `rejected` with these words. */
export class Rejected extends Error {
  /** The fields that are to blame, where it is known. */
  readonly errors: readonly FieldError[] | undefined;

  constructor(message: string, errors?: readonly FieldError[]) {
    super(message);
    this.name = 'Rejected';
    this.errors = errors;
  }
}

/** Why a run was aborted. The first reason wins. */
export type AbortReason =
  | { kind: 'timeout'; which: TimeoutReason; seconds: number; graceMs: number }
  /** Without `by` it was kept by an earlier release. */
  | { kind: 'cancel'; graceMs: number; by?: Canceller };
