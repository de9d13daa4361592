import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Config } from './config.ts';
import { diskSpace } from './disk-space.ts';
import type { Engine, RuntimeDescription, Submission, SubmitOptions } from './engine.ts';
import { RunwireError } from './errors.ts';
import { type ExecutionTools, execute, type FinishedFacts, prepare } from './execution.ts';
import { Intake, newRecord } from './intake.ts';
import { canonicalKind, type InvocationInput } from './invocation.ts';
import type { InvocationStore } from './invocation-store.ts';
import { abortRun, type LiveRun } from './live-run.ts';
import { afterMs } from './long-timer.ts';
import type { Metrics } from './metrics.ts';
import { baseEnvironment } from './process-environment.ts';
import { RunQueue } from './queue.ts';
import { Registry } from './registry.ts';
import { isFinal } from './result.ts';
import { runDirectory } from './run-directory.ts';
import { RunViews } from './run-views.ts';
import { Rejected, type RunControls, type Runner } from './runner.ts';

export interface EngineOptions {
  config: Config;
  store: InvocationStore;
  runners: readonly Runner[];
  log: Logger;
  metrics: Metrics;
  /** A run with `on_finish` has finished and its result is stored. */
  onFinished?: (id: string) => void;
  /** Environment of the server, of which programs get a part. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** The only writer of status: takes invocations in, runs them in order, stores what became of them. */
export class RunEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #config: Config;
  readonly #store: InvocationStore;
  readonly #registry: Registry;
  readonly #intake: Intake;
  readonly #tools: ExecutionTools;
  readonly #queue: RunQueue<LiveRun>;
  readonly #live = new Map<string, LiveRun>();
  readonly #views: RunViews;
  readonly #disk: { enough(): boolean };
  #draining = false;

  constructor(options: EngineOptions) {
    const { config, store, runners, environment } = options;
    this.#options = options;
    this.#config = config;
    this.#store = store;
    this.#registry = new Registry(runners);
    this.#intake = new Intake(config, store, this.#registry, this.#live);
    this.#tools = { config, store, baseEnvironment: baseEnvironment(environment, config.envPassthrough) };
    const limits = { concurrent: config.maxConcurrent, waiting: config.maxQueue };
    this.#queue = new RunQueue(limits, (run) => void this.#start(run));
    this.#views = new RunViews(config.dataDir, this.#live, store);
    this.#disk = diskSpace(config.dataDir, config.minFreeDiskBytes);
  }

  readonly has: Engine['has'] = (id) => this.#views.has(id);
  readonly status: Engine['status'] = (id) => this.#views.status(id);
  readonly recordJson: Engine['recordJson'] = (id) => this.#views.recordJson(id);
  readonly record: Engine['record'] = (id) => this.#views.record(id);
  readonly list: Engine['list'] = (filter) => this.#views.list(filter);
  readonly log: Engine['log'] = (id) => this.#views.log(id);
  readonly directory: Engine['directory'] = (id) => this.#views.directory(id);
  readonly artifacts: Engine['artifacts'] = (id) => this.#views.artifacts(id);
  readonly artifactPath: Engine['artifactPath'] = (id, artifactId) =>
    this.#views.artifactPath(id, artifactId);

  submit(input: InvocationInput, { idempotencyKey, traceparent }: SubmitOptions = {}): Submission {
    const earlier = this.#intake.earlier(input, idempotencyKey);
    if (earlier !== null) return { id: earlier, replayed: true, stored: this.#store.committed() };
    const busy = this.#busy();
    if (busy) throw busy;
    const run = this.#intake.accept(input, { idempotencyKey, traceparent });
    if (this.#queue.hasPlace && !run.refusal) this.#begin(run);
    this.#store.insert(newRecord(run));
    this.#live.set(run.id, run);
    if (run.refusal && run.prepared === null) void this.#finish(run);
    else this.#queue.add(run);
    this.#startQueueTimer(run);
    return { id: run.id, replayed: false, stored: this.#store.committed() };
  }

  async waitFinished(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const run = this.#live.get(id);
    if (!run) return isFinal(this.status(id));
    const stop = Promise.withResolvers<boolean>();
    const cancelTimer = afterMs(ms, () => stop.resolve(false));
    const aborted = (): void => stop.resolve(false);
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      return await Promise.race([run.finished.promise.then(() => true), stop.promise]);
    } finally {
      cancelTimer();
      signal?.removeEventListener('abort', aborted);
    }
  }

  cancel(id: string, graceSeconds?: number): boolean {
    const run = this.#live.get(id);
    if (!run) {
      this.#views.stored(id);
      return false;
    }
    const { kill_grace_seconds: own } = run.invocation.options;
    const graceMs = (graceSeconds ?? own ?? this.#config.killGraceSeconds) * 1000;
    const first = abortRun(run, { kind: 'cancel', graceMs });
    if (!first && graceSeconds !== undefined) run.controls.hasten?.(graceMs);
    if (this.#queue.remove(run)) void this.#finish(run);
    return true;
  }

  writeStdin(id: string, bytes: Buffer): Promise<void> {
    return this.#control(id, 'writeStdin', (write) => write(bytes));
  }

  closeStdin(id: string): Promise<void> {
    return this.#control(id, 'closeStdin', (close) => close());
  }

  signal(id: string, name: string): Promise<void> {
    return this.#control(id, 'signal', (send) => send(name));
  }

  async remove(id: string): Promise<void> {
    if (this.#live.has(id)) throw new RunwireError('not_finished', `${id} has not finished: cancel it first`);
    const { root } = runDirectory(this.#config.dataDir, this.#views.stored(id).id);
    this.#store.remove(id);
    await this.#store.committed();
    this.#views.finished.forget(id);
    await rm(root, { recursive: true, force: true });
  }

  /** Is the history of a finished run being read. */
  isRead(id: string): boolean {
    return this.#views.finished.isRead(id);
  }

  runtimes(): Promise<RuntimeDescription[]> {
    return Promise.all(
      this.#registry.all().map(async (runner) => {
        const reason = (await runner.available?.()) ?? null;
        const { kind, name, description, spec } = runner;
        return {
          kind,
          name,
          description,
          options_schema: z.toJSONSchema(spec),
          available: reason === null,
          reason,
        };
      }),
    );
  }

  readiness(): { ready: boolean; reason: string | null; running: number; queued: number } {
    const { running, queued } = this.#queue;
    const reason = this.#busy()?.message ?? null;
    return { ready: reason === null, reason, running, queued };
  }

  /** Take up what an earlier server left: waiting runs wait again, in order; running ones are carried on. */
  recover(): { queued: number; resumed: number } {
    const counts = { queued: 0, resumed: 0 };
    for (const row of this.#store.unfinished()) {
      const run = this.#intake.revive(row);
      this.#live.set(run.id, run);
      if (row.startedAt === null) {
        counts.queued++;
        this.#queue.add(run);
        this.#startQueueTimer(run);
      } else {
        counts.resumed++;
        run.recovering = true;
        this.#begin(run, row.startedAt);
        this.#queue.occupy(run);
      }
    }
    return counts;
  }

  /** Accept no more; waiting runs stay for the next server. Resolves when nothing runs, or after `ms`. */
  async drain(ms: number): Promise<void> {
    this.#draining = true;
    this.#queue.pause();
    const wait = Promise.withResolvers<void>();
    const stop = afterMs(ms, () => wait.resolve());
    await Promise.race([this.#nothingRuns(), wait.promise]);
    stop();
  }

  /** Cancel what still runs and wait until it is over. */
  async cancelAll(graceSeconds?: number): Promise<void> {
    for (const { id, status } of this.#live.values()) if (status === 'running') this.cancel(id, graceSeconds);
    await this.#nothingRuns();
  }

  async #nothingRuns(): Promise<void> {
    const running = [...this.#live.values()].filter(({ status }) => status === 'running');
    await Promise.all(running.map(({ finished }) => finished.promise));
  }

  #busy(): RunwireError | null {
    if (this.#draining)
      return new RunwireError('draining', 'the server is shutting down', { retryAfterSeconds: 5 });
    if (this.#queue.full)
      return new RunwireError('queue_full', 'the queue is full', { retryAfterSeconds: 1 });
    if (!this.#disk.enough())
      return new RunwireError('insufficient_storage', 'there is not enough disk space', {
        retryAfterSeconds: 10,
      });
    return null;
  }

  /** Pending becomes running, unless it turns out that it cannot be run. */
  #begin(run: LiveRun, startedAt = Date.now()): void {
    run.stopQueueTimer?.();
    run.queueMs = run.recovering ? startedAt - run.createdAt : performance.now() - run.acceptedAt;
    if (run.refusal) return;
    try {
      run.prepared = prepare(run);
    } catch (error) {
      run.refusal =
        error instanceof Rejected
          ? error
          : new Rejected(`the run directory cannot be made: ${String(error)}`);
      if (!run.recovering) return;
    }
    run.startedAt = startedAt;
    run.status = 'running';
    run.log.status('running', startedAt);
  }

  async #start(run: LiveRun): Promise<void> {
    if (run.status === 'pending' && run.prepared === null && run.refusal === null) {
      this.#begin(run);
      if (run.startedAt !== null) this.#store.markRunning(run.id, run.startedAt);
    }
    await this.#finish(run);
    this.#queue.release();
  }

  async #finish(run: LiveRun): Promise<void> {
    run.stopQueueTimer?.();
    try {
      const facts = await execute(run, this.#tools);
      this.#live.delete(run.id);
      run.log.finish(facts);
      this.#views.finished.adopt(run.id, run.log);
      this.#report(run, facts);
    } catch (error) {
      // The record was never stored: the submission has been refused with the same error.
      this.#live.delete(run.id);
      this.#options.log.error({ invocation_id: run.id, err: error }, 'run was not stored');
    }
    run.finished.resolve();
  }

  #startQueueTimer(run: LiveRun): void {
    const seconds = run.invocation.options.queue_timeout_seconds;
    if (run.status !== 'pending' || seconds === undefined) return;
    run.stopQueueTimer = afterMs(seconds * 1000, () => {
      if (!this.#queue.remove(run)) return;
      abortRun(run, { kind: 'timeout', which: 'queue', seconds, graceMs: 0 });
      void this.#finish(run);
    });
  }

  async #control<Name extends keyof RunControls>(
    id: string,
    name: Name,
    use: (control: NonNullable<RunControls[Name]>) => Promise<void>,
  ): Promise<void> {
    const run = this.#live.get(id);
    if (!run) throw new RunwireError('not_running', `${this.#views.stored(id).id} has finished`);
    if (run.status !== 'running') throw new RunwireError('not_running', `${id} has not started`);
    const control = run.controls[name];
    if (!control) throw new RunwireError('not_supported', `${id} cannot do this`);
    await use(control);
  }

  /** The one line of a finished run. */
  #report(run: LiveRun, { status, outcome, finishedAt }: FinishedFacts): void {
    const seconds = run.startedAt === null ? 0 : (finishedAt - run.startedAt) / 1000;
    const kind = canonicalKind(run.invocation.runtime_kind);
    const outputBytes = (outcome.stdout?.bytes ?? 0) + (outcome.stderr?.bytes ?? 0);
    if (run.invocation.options.on_finish) this.#options.onFinished?.(run.id);
    this.#options.metrics.runFinished({ kind, status, seconds, outputBytes });
    const { ended, exit_code, signal, timings } = outcome;
    this.#options.log.info(
      { invocation_id: run.id, kind, status, ended, exit_code, signal, seconds, outputBytes, timings },
      'run finished',
    );
  }
}
