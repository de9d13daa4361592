import type { RealRoots } from '../artifacts/collection.ts';
import type { RunControls } from '../contract/context.ts';
import type { AbortReason, CannotBegin, Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { Invocation } from '../documents/invocation.ts';
import type { TraceContext } from '../documents/trace-context.ts';
import { type WorkspaceOfRun, workspaceOf } from '../documents/workspace-use.ts';
import { EventLog } from '../log/event-log.ts';
import { Waiters, type WaitLimits } from '../platform/waiters.ts';
import type { AssetOfRun } from '../store/assets.ts';
import type { SpecOfRun } from '../store/specs.ts';
import type { AcceptedRun, Understood } from './accepted-run.ts';
import type { Given } from './given.ts';
import type { InputFile } from './input-file.ts';
import { type Prepared, resolveWorkingPaths, type WorkingPaths } from './working-paths.ts';

export type { AcceptedRun, Understood } from './accepted-run.ts';
export { graceMs } from './grace.ts';

const LOOK_MS = 250;

/**
 * A run that is not finished, as the engine holds it: facts that stay, and a state that is changed here alone, by the
 * verbs below.
 */
export class LiveRun {
  readonly id: string;
  readonly invocation: Invocation;
  readonly assets: readonly AssetOfRun[];
  readonly given: readonly Given[];
  readonly invocationJson: string;
  readonly runner: Runner;
  readonly directory: RunDirectory;
  /** Null: it has none. */
  readonly workspace: WorkspaceOfRun | null;
  /** Its work is in a copy of it. */
  readonly copiesWorkspace: boolean;
  readonly trace: TraceContext;
  readonly rebooted: boolean;
  readonly fingerprint: string | null;
  readonly idempotencyKey: string | null;
  readonly environmentSpec: SpecOfRun | null;
  readonly createdAt: number;
  /** Monotonic moment of acceptance, ms. */
  readonly acceptedAt: number;
  readonly log: EventLog;
  readonly #understoodNow: () => Understood | null;
  #understood: Understood;
  readonly #keepAbort: AcceptedRun['keepAbort'];
  readonly #abort = new AbortController();
  readonly #waiting = new Waiters();
  #paths: WorkingPaths | null;
  #roots: RealRoots | null = null;
  #input: InputFile | null = null;
  #refusal: Rejected | CannotBegin | null;
  #status: 'pending' | 'running' = 'pending';
  #startedAt: number | null = null;
  #queueMs = 0;
  #stored: Promise<void> = Promise.resolve();
  #storingSince: number | null = null;
  #finished = false;
  #controls: RunControls | null = null;
  #workEndedAt: number | null = null;
  #resumed = false;
  #wentOn = false;
  #whenKnown: (() => void) | null = null;
  #outlives = false;
  /** Made for who waits for it. */
  #leavable: PromiseWithResolvers<boolean> | null = null;

  constructor(accepted: AcceptedRun) {
    this.id = accepted.invocation.invocation_id;
    this.invocation = accepted.invocation;
    this.assets = accepted.assets;
    this.given = accepted.given;
    this.invocationJson = accepted.invocationJson;
    this.runner = accepted.runner;
    this.#understood = accepted;
    this.#understoodNow = accepted.understoodNow ?? (() => null);
    this.directory = accepted.directory;
    const workspace = workspaceOf(accepted.invocation.options.workspace);
    const { runner, spec, refusal } = accepted;
    this.copiesWorkspace =
      workspace !== null && refusal === null && (runner.copiesWorkspace?.(spec) ?? false);
    // What others did meanwhile would be lost.
    this.workspace = workspace && { ...workspace, shared: workspace.shared && !this.copiesWorkspace };
    this.trace = accepted.trace;
    this.rebooted = accepted.rebooted;
    this.fingerprint = accepted.fingerprint;
    this.idempotencyKey = accepted.idempotencyKey;
    this.environmentSpec = accepted.environmentSpec;
    this.createdAt = accepted.createdAt;
    // Of an earlier server's run too: what it waited there counts.
    this.acceptedAt = performance.now() - Math.max(0, Date.now() - accepted.createdAt);
    this.log = new EventLog(this.id, accepted.directory);
    this.log.status('pending', accepted.createdAt);
    this.#keepAbort = accepted.keepAbort;
    this.#paths = accepted.paths;
    this.#refusal = accepted.refusal;
    if (accepted.aborted !== null) this.#abort.abort(accepted.aborted);
  }

  /** The invocation as it is run. */
  get filled(): Invocation {
    return this.#understood.filled;
  }

  get signedAddresses(): readonly string[] {
    return this.#understood.signedAddresses;
  }

  get spec(): unknown {
    return this.#understood.spec;
  }

  get status(): 'pending' | 'running' {
    return this.#status;
  }

  get startedAt(): number | null {
    return this.#startedAt;
  }

  /** Time spent waiting for a place, ms. */
  get queueMs(): number {
    return this.#queueMs;
  }

  get paths(): WorkingPaths {
    this.#paths ??= resolveWorkingPaths(this.invocation, this.directory);
    return this.#paths;
  }

  /** No link leads its paths out of this directory: others than the server could have made it. Null: there is none. */
  get confinedTo(): string | null {
    if (this.workspace !== null) return this.directory.work;
    return this.runner.confined ? this.paths.workingDirectory : null;
  }

  /** Where artifacts are collected from; null until its directories have been looked at. */
  get roots(): RealRoots | null {
    return this.#roots;
  }

  /** Null where none was asked for, or can be had any more. */
  get input(): InputFile | null {
    return this.#input;
  }

  get refusal(): Rejected | CannotBegin | null {
    return this.#refusal;
  }

  /** What the runner offers; null before it has and when its work is over. */
  get controls(): RunControls | null {
    return this.#controls;
  }

  /** When the runner settled, ms since the epoch; null: it has not. */
  get workEndedAt(): number | null {
    return this.#workEndedAt;
  }

  /** Its work may have ended before: while no server lived. */
  get endUnseen(): boolean {
    return this.#resumed && !this.#wentOn;
  }

  /** An earlier server started it. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /** Aborted with an AbortReason. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get abortReason(): AbortReason | null {
    return this.signal.aborted ? (this.signal.reason as AbortReason) : null;
  }

  /** Settles when a crash cannot forget the run any more; rejects when its record is lost: then it never was. */
  get stored(): Promise<void> {
    return this.#stored;
  }

  /** Resolves true when its result is stored and told, false after `ms` or when the signal aborts. */
  async ended(limits: WaitLimits = {}): Promise<boolean> {
    return this.#finished || (await this.#waiting.next(limits));
  }

  /** Resolves true when it has ended, false when its result could not be stored for `storeMs`. */
  async over(storeMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    if (storeMs === Number.POSITIVE_INFINITY) return this.ended();
    while (!(await this.ended({ ms: Math.min(storeMs, LOOK_MS) })))
      if (this.#storingSince !== null && performance.now() - this.#storingSince >= storeMs) return false;
    return true;
  }

  /** May a server that stops leave it to the next one. What is to end ends here. */
  get mayBeLeft(): boolean {
    return this.#outlives && !this.signal.aborted;
  }

  /** As over(); true also as soon as it may be left. */
  async overOrLeft(storeMs?: number): Promise<boolean> {
    if (this.mayBeLeft) return true;
    this.#leavable ??= Promise.withResolvers();
    return Promise.race([this.over(storeMs), this.#leavable.promise]);
  }

  /** Its present record is on its way to the disk. */
  keep(stored: Promise<void>): void {
    this.#stored = stored;
  }

  /** Its work begins: where addresses of this server stand in its invocation, they are those that it has by now. */
  understand(): void {
    this.#understood = this.#understoodNow() ?? this.#understood;
  }

  /** It has a place. */
  leaveQueue(): void {
    this.#queueMs = performance.now() - this.acceptedAt;
  }

  /** Its directories are there. */
  prepared({ roots, input }: Prepared): void {
    this.#roots = roots;
    this.#input = input;
  }

  /** It turns out that it cannot be run. */
  refuse(refusal: Rejected | CannotBegin): void {
    this.#refusal = refusal;
  }

  /** Everybody is told that it runs. */
  begin(startedAt: number): void {
    this.#startedAt = Math.max(startedAt, this.createdAt); // also by a clock that was set back in between
    this.#status = 'running';
    this.log.status('running', this.#startedAt);
  }

  /** An earlier server began it. `whenKnown`: it has been looked what became of it there. */
  resume(startedAt: number, whenKnown: () => void): void {
    this.#resumed = true;
    this.#whenKnown = whenKnown;
    this.#queueMs = Math.max(0, startedAt - this.createdAt);
    this.begin(startedAt);
  }

  /** What an earlier server started goes on. */
  goesOn(): void {
    this.#wentOn = true;
    this.#whenKnown?.();
  }

  /** Its work goes on without this server. */
  outlive(): void {
    this.#outlives = true;
    if (this.mayBeLeft) this.#leavable?.resolve(true);
  }

  /** Press its one signal. The first reason wins; false when there was one already. */
  abort(reason: AbortReason): boolean {
    if (this.signal.aborted) return false;
    this.#keepAbort(this.id, reason);
    this.#abort.abort(reason);
    return true;
  }

  /** The runner offers what may be done to it. */
  offer(controls: RunControls): void {
    this.#controls = controls;
  }

  /** The runner has settled. */
  settle(): void {
    this.#controls = null;
    this.#workEndedAt = Date.now();
    this.#input?.close();
  }

  /** Only its result is left to be stored. */
  storing(): void {
    this.#storingSince = performance.now();
  }

  end(): void {
    this.#finished = true;
    this.#input?.close();
    this.#waiting.wake();
  }
}
