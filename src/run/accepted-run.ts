import type { AbortReason, CannotBegin, Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { Invocation } from '../documents/invocation.ts';
import type { TraceContext } from '../documents/trace-context.ts';
import type { AssetOfRun } from '../store/assets.ts';
import type { SpecOfRun } from '../store/specs.ts';
import type { Given } from './given.ts';
import type { WorkingPaths } from './working-paths.ts';

/** What its invocation stands for, as far as that may be something else under another server. */
export interface Understood {
  /** As it is run: what stands for something else is filled. */
  filled: Invocation;
  /** That stand in it. */
  signedAddresses: readonly string[];
  spec: unknown;
}

/** What is known of a run when it is accepted, or revived. Times in ms since the epoch. */
export interface AcceptedRun extends Understood {
  invocation: Invocation;
  assets: readonly AssetOfRun[];
  given: readonly Given[];
  /** Asked when its work begins, by when it is known where this server is reached. Null: it is as it was. */
  understoodNow?: () => Understood | null;
  /** What clients see of the invocation, one line of JSON. */
  invocationJson: string;
  runner: Runner;
  /** Why it cannot be run. */
  refusal: Rejected | CannotBegin | null;
  directory: RunDirectory;
  /** Where these have been worked out already. */
  paths: WorkingPaths | null;
  /** Of the request. */
  trace: TraceContext;
  /** The machine restarted since an earlier server began it. */
  rebooted: boolean;
  fingerprint: string | null;
  idempotencyKey: string | null;
  /** What it was made with. */
  environmentSpec: SpecOfRun | null;
  createdAt: number;
  /** Why an earlier server had aborted it. */
  aborted: AbortReason | null;
  /** Keeps the reason over a crash, before the work hears of it. */
  keepAbort: (id: string, reason: AbortReason) => void;
}
