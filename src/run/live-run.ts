import type { RealRoots } from '../artifacts/collection.ts';
import type { RunControls } from '../contract/context.ts';
import type { AbortReason, CannotBegin, Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { Invocation } from '../documents/invocation.ts';
import { linksOf } from '../documents/record.ts';
import type { Status } from '../documents/result.ts';
import { EventLog } from '../log/event-log.ts';
import { LONGEST_MS } from '../platform/timer.ts';
import { Waiters, type WaitLimits } from '../platform/waiters.ts';
import type { WorkingPaths } from './working-paths.ts';

/** A run that is not finished, as the engine holds it. Times in ms since the epoch. */
export interface LiveRun {
  readonly id: string;
  readonly invocation: Invocation;
  /** What clients see of the invocation, one line of JSON. */
  readonly invocationJson: string;
  readonly runner: Runner;
  readonly spec: unknown;
  readonly directory: RunDirectory;
  readonly traceparent: string | undefined;
  /** The machine restarted since an earlier server began it. */
  readonly rebooted: boolean;
  readonly fingerprint: string | null;
  readonly idempotencyKey: string | null;
  readonly log: EventLog;
  readonly createdAt: number;
  /** Monotonic moment of acceptance, ms. */
  readonly acceptedAt: number;
  readonly abort: AbortController;
  /** Keeps the reason over a crash, before the work hears of it. */
  readonly keepAbort: (id: string, reason: AbortReason) => void;
  /** Settles when a crash cannot forget the run any more; rejects when its record is lost: then it never was. */
  stored: Promise<void>;
  /** Monotonic moment from which only its result is left to be stored, ms; null before. */
  storingSince: number | null;
  /** The result is stored and told. */
  finished: boolean;
  /** Those who wait for that. */
  readonly waiting: Waiters;
  status: Status;
  startedAt: number | null;
  /** Time spent waiting for a place, ms. */
  queueMs: number;
  /** What `prepare` made, once it has. */
  prepared: { paths: WorkingPaths; roots: RealRoots } | null;
  /** Why it cannot be run. */
  refusal: Rejected | CannotBegin | null;
  /** What the runner offers; null before it has and when its work is over. */
  controls: RunControls | null;
  /** Carry on what an earlier server started. */
  recovering: boolean;
  /** It has been looked what became of it under the earlier server. */
  onTakenUp: () => void;
  /** Takes back the clock that runs while it waits for a place. */
  stopQueueTimer: (() => void) | null;
}

export type NewLiveRun = Pick<
  LiveRun,
  | 'invocation'
  | 'invocationJson'
  | 'runner'
  | 'spec'
  | 'refusal'
  | 'directory'
  | 'traceparent'
  | 'rebooted'
  | 'fingerprint'
  | 'idempotencyKey'
  | 'createdAt'
  | 'keepAbort'
>;

export function newLiveRun(facts: NewLiveRun): LiveRun {
  const id = facts.invocation.invocation_id;
  const log = new EventLog(id, facts.directory);
  log.status('pending', facts.createdAt);
  return {
    ...facts,
    id,
    log,
    // Of an earlier server's run too: what it waited there counts.
    acceptedAt: performance.now() - Math.max(0, Date.now() - facts.createdAt),
    abort: new AbortController(),
    stored: Promise.resolve(),
    storingSince: null,
    finished: false,
    waiting: new Waiters(),
    status: 'pending',
    startedAt: null,
    queueMs: 0,
    prepared: null,
    controls: null,
    recovering: false,
    onTakenUp: () => {},
    stopQueueTimer: null,
  };
}

/** Resolves true when the run has finished, false after `ms` or when the signal aborts. */
export async function runFinished(run: LiveRun, limits: WaitLimits = {}): Promise<boolean> {
  return run.finished || (await run.waiting.next(limits));
}

const LOOK_MS = 250;

/** Resolves true when the run has finished, false when its result could not be stored for `storeMs`. */
export async function runOver(run: LiveRun, storeMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  if (storeMs === Number.POSITIVE_INFINITY) return runFinished(run);
  while (!(await runFinished(run, { ms: Math.min(storeMs, LOOK_MS) })))
    if (run.storingSince !== null && performance.now() - run.storingSince >= storeMs) return false;
  return true;
}

/** Press the run's one signal. The first reason wins; false when there was one already. */
export function abortRun(run: LiveRun, reason: AbortReason): boolean {
  if (run.abort.signal.aborted) return false;
  run.keepAbort(run.id, reason);
  run.abort.abort(reason);
  return true;
}

export function abortReason(run: LiveRun): AbortReason | null {
  return run.abort.signal.aborted ? (run.abort.signal.reason as AbortReason) : null;
}

/** Between SIGTERM and SIGKILL, ms: as asked, else the run's own, else the server's; what a timer can count. */
export function graceMs(run: LiveRun, config: { killGraceSeconds: number }, askedSeconds?: number): number {
  const own = run.invocation.options.kill_grace_seconds;
  return Math.min((askedSeconds ?? own ?? config.killGraceSeconds) * 1000, LONGEST_MS);
}

/** What a record is made of. Documents are JSON text; times in ms since the epoch. */
export interface RecordParts {
  id: string;
  status: Status;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  invocation: string;
  result: string | null;
  outcome: string | null;
  delivery: string | null;
}

/** A record as one line of JSON: stored documents are put in as they are. */
export function recordJson(parts: RecordParts): string {
  const time = (ms: number | null): string => (ms === null ? 'null' : `"${new Date(ms).toISOString()}"`);
  const delivery = parts.delivery === null ? '' : `"on_finish":${parts.delivery},`;
  return (
    `{"invocation":${parts.invocation},"status":"${parts.status}","created_at":${time(parts.createdAt)},` +
    `"started_at":${time(parts.startedAt)},"finished_at":${time(parts.finishedAt)},` +
    `"result":${parts.result ?? 'null'},"outcome":${parts.outcome ?? 'null'},${delivery}` +
    `"links":${JSON.stringify(linksOf(parts.id))}}`
  );
}
