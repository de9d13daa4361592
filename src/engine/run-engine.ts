import type { Config } from '../config.ts';
import type { Claims } from '../contract/claims.ts';
import type { Runner } from '../contract/runner.ts';
import { DiscardedFiles } from '../disk/discarded.ts';
import { PrivatePlaces } from '../disk/private-places.ts';
import { type DiskSpace, diskSpace } from '../disk/space.ts';
import { RunwireError } from '../documents/errors.ts';
import type { InvocationInput } from '../documents/invocation.ts';
import { isFinal } from '../documents/result.ts';
import { ChurnMap } from '../platform/churn-map.ts';
import { afterMs } from '../platform/timer.ts';
import { callbackAddresses } from '../run/callback-address.ts';
import { type ExecutionTools, execute } from '../run/execution.ts';
import { abortRun, graceMs, type LiveRun, runFinished, runOver } from '../run/live-run.ts';
import { beginRun, makeReady, setRunning } from '../run/preparation.ts';
import { baseEnvironment } from '../run/process-environment.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { writeUntilStored } from '../store/lasting-write.ts';
import type { RemovalReason } from '../store/removed-runs.ts';
import { controlOf } from './control.ts';
import { DetachedRuns } from './detached-runs.ts';
import type { Engine, Readiness, Submission, SubmitOptions } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import { Intake, newRecord } from './intake.ts';
import { RunQueue } from './queue.ts';
import { startQueueTimer } from './queue-timer.ts';
import { Recovery } from './recovery.ts';
import { queueFull, refuseUnbegun, whyClosed } from './refusals.ts';
import type { Registry } from './registry.ts';
import { removeRun } from './removal.ts';
import { reportRun } from './report.ts';
import { describeRuntime } from './runtimes.ts';
import { RunViews } from './views.ts';

/** The only writer of status: takes invocations in, runs them in order, stores what became of them. */
export class RunEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #config: Config;
  readonly #store: InvocationStore;
  readonly #registry: Registry;
  readonly #intake: Intake;
  readonly #tools: ExecutionTools;
  readonly #queue: RunQueue<LiveRun>;
  readonly #live = new ChurnMap<string, LiveRun>();
  readonly #detached: DetachedRuns;
  readonly #views: RunViews;
  readonly #discarded: DiscardedFiles;
  readonly #disk: DiskSpace;
  readonly #recovery: Recovery;
  #draining = false;

  constructor(options: EngineOptions) {
    const { config, store } = options;
    this.#options = options;
    this.#config = config;
    this.#store = store;
    this.#registry = options.registry;
    this.#intake = new Intake(config, store, this.#registry, this.#live);
    this.#tools = {
      config,
      store,
      places: options.places ?? new PrivatePlaces(config.dataDir),
      callbacks: options.callbacks ?? callbackAddresses(),
      baseEnvironment: baseEnvironment(options.environment, config.envPassthrough),
    };
    const limits = { concurrent: config.maxConcurrent, waiting: config.maxQueue };
    this.#queue = new RunQueue(limits, (run) => void this.#start(run));
    this.#detached = new DetachedRuns(config.maxQueue);
    this.#views = new RunViews(config.dataDir, this.#live, {
      store,
      places: this.#tools.places,
      registry: this.#registry,
    });
    this.#discarded = new DiscardedFiles(config.dataDir);
    this.#disk = options.disk ?? diskSpace(config.dataDir, config.minFreeDiskBytes);
    this.#recovery = new Recovery({
      ...options,
      ...{ intake: this.#intake, live: this.#live },
      enqueue: (run) => void (run.abort.signal.aborted ? this.#finish(run) : this.#enqueue(run)),
      carryOn: (run) => this.#carryOn(run),
    });
  }

  get kinds(): readonly Runner[] {
    return this.#registry.all;
  }

  readonly has: Engine['has'] = (id) => this.#views.has(id);
  readonly status: Engine['status'] = (id) => this.#views.status(id);
  readonly recordJson: Engine['recordJson'] = (id) => this.#views.recordJson(id);
  readonly record: Engine['record'] = (id) => this.#views.record(id);
  readonly list: Engine['list'] = (filter) => this.#views.list(filter);
  readonly log: Engine['log'] = (id) => this.#views.log(id);
  readonly directory: Engine['directory'] = (id) => this.#views.directory(id);
  readonly runtimes: Engine['runtimes'] = () => Promise.all(this.kinds.map(describeRuntime));
  readonly runtime: Engine['runtime'] = async (word) => describeRuntime(this.#registry.get(word));
  readonly artifacts: Engine['artifacts'] = (id) => this.#views.artifacts(id);
  readonly artifactPath: Engine['artifactPath'] = (id, name) => this.#views.artifactPath(id, name);

  submit(input: InvocationInput, { idempotencyKey, traceparent }: SubmitOptions = {}): Submission {
    const earlier = this.#intake.earlier(input, idempotencyKey);
    if (earlier !== null) return { id: earlier, replayed: true, stored: this.#store.committed() };
    const closed = whyClosed(this.#draining, this.#disk);
    if (closed) throw closed;
    const run = this.#intake.accept(input, { idempotencyKey, traceparent });
    const detached = this.#detached.takes(run);
    if (detached) this.#detached.admit();
    else if (this.#queue.full) throw queueFull();
    if (detached || this.#queue.hasPlace) beginRun(run, Date.now(), this.#tools.places);
    run.stored = this.#insert(run);
    this.#live.set(run.id, run);
    if (run.refusal) void this.#finish(run);
    else if (detached) void this.#detached.hold(run, () => this.#finish(run));
    else this.#enqueue(run);
    return { id: run.id, replayed: false, stored: run.stored };
  }

  async waitFinished(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const run = this.#live.get(id);
    return run ? runFinished(run, { ms, signal }) : isFinal(this.status(id));
  }

  cancel(id: string, graceSeconds?: number): boolean {
    const run = this.#live.get(id);
    if (!run) {
      this.#views.stored(id);
      return false;
    }
    const grace = graceMs(run, this.#config, graceSeconds);
    const first = abortRun(run, { kind: 'cancel', graceMs: grace });
    if (!first && graceSeconds !== undefined) run.controls?.hasten?.(grace);
    if (this.#queue.remove(run)) void this.#finish(run);
    return true;
  }

  async writeStdin(id: string, bytes: Buffer): Promise<void> {
    await controlOf(this.#running(id), 'writeStdin')(bytes);
  }

  async closeStdin(id: string): Promise<void> {
    await controlOf(this.#running(id), 'closeStdin')();
  }

  async signal(id: string, name: string): Promise<void> {
    await controlOf(this.#running(id), 'signal')(name);
  }

  async callback(id: string, token: string, body: unknown): Promise<void> {
    const run = this.#live.get(id);
    const subject = run ?? this.#store.get(id);
    if (!subject || !this.#tools.callbacks.proves(subject, token))
      throw new RunwireError('unauthorized', 'This address is not, or no longer, good for a run');
    // Late news of a run that is over, or nearly so, changes nothing and is no error of the backend's.
    if (run?.controls) await controlOf(run, 'callback')(body);
  }

  async remove(id: string, reason: RemovalReason = 'deleted'): Promise<void> {
    if (this.#live.has(id)) throw new RunwireError('not_finished', `${id} has not finished: cancel it first`);
    const parts = { store: this.#store, views: this.#views, discarded: this.#discarded, disk: this.#disk };
    await removeRun({ ...parts, log: this.#options.log }, id, reason);
  }

  reading<T>(id: string, read: () => Promise<T>): Promise<T> {
    return this.#views.finished.reading(id, read);
  }

  claims(): Claims {
    const claims = this.kinds.find((runner) => runner.claims)?.claims;
    if (!claims) throw new RunwireError('not_supported', 'no kind of this server has workers');
    return claims;
  }

  /** Is the history of a finished run being read. */
  isRead(id: string): boolean {
    return this.#views.finished.isRead(id);
  }

  readiness(): Readiness {
    const { running, queued, full } = this.#queue;
    const reason = (whyClosed(this.#draining, this.#disk) ?? (full ? queueFull() : null))?.message ?? null;
    const { state: recovery } = this.#recovery;
    return { ready: reason === null, reason, running: running + this.#detached.count, queued, recovery };
  }

  /** Take up what an earlier server left: waiting runs wait again, in order; running ones are carried on. */
  recover(): void {
    const isKnown = (id: string): boolean => this.#views.has(id);
    this.#discarded.restoreKnown(isKnown);
    this.#discarded.sweep(isKnown).catch((err) => this.#options.log.warn({ err }, 'sweep of old files'));
    this.#recovery.begin(this.#store.unfinished());
  }

  takenUp(id: string): Promise<void> {
    return this.#recovery.takenUp(this.#live.get(id));
  }

  /** Accept no more; waiting and detached runs stay for the next server. Resolves when nothing runs, or after `ms`. */
  async drain(ms: number): Promise<void> {
    this.#stopStarting();
    const wait = Promise.withResolvers<void>();
    const stop = afterMs(ms, () => wait.resolve());
    await Promise.race([this.#nothingRuns(), wait.promise]);
    stop();
  }

  /**
   * Cancel what still runs, start nothing more, and wait until it is over. False: for `storeMs` some results could
   * not be stored, and are given up.
   */
  async cancelAll(graceSeconds?: number, storeMs?: number): Promise<boolean> {
    this.#stopStarting();
    for (const run of this.#live.values())
      if (!this.#queue.waits(run) && !this.#detached.has(run)) this.cancel(run.id, graceSeconds);
    return this.#nothingRuns(storeMs);
  }

  #stopStarting(): void {
    this.#draining = true;
    this.#queue.pause();
    this.#recovery.pause();
  }

  async #nothingRuns(storeMs?: number): Promise<boolean> {
    const busy = [...this.#live.values()].filter(
      (run) => !this.#queue.waits(run) && !this.#detached.has(run),
    );
    return (await Promise.all(busy.map((run) => runOver(run, storeMs)))).every((stored) => stored);
  }

  /** Store a new run. Its files go when its record cannot be stored. */
  #insert(run: LiveRun): Promise<void> {
    try {
      refuseUnbegun(run);
      this.#store.insert(newRecord(run));
    } catch (error) {
      this.#discard(run);
      if (error instanceof RunwireError && error.code === 'insufficient_storage') this.#disk.failed(error);
      throw error;
    }
    return this.#store.committed();
  }

  #discard({ id }: LiveRun): void {
    this.#discarded
      .remove(id)
      .catch((err) => this.#options.log.warn({ invocation_id: id, err }, 'files could not be removed'));
  }

  #enqueue(run: LiveRun): void {
    this.#queue.add(run);
    if (!this.#queue.waits(run)) return;
    startQueueTimer(run, (reason) => {
      if (this.#queue.remove(run) && abortRun(run, reason)) void this.#finish(run);
    });
    run.stored.catch(() => {
      if (this.#queue.remove(run)) void this.#finish(run);
    });
  }

  #carryOn(run: LiveRun): void {
    const work = (): Promise<void> => this.#recovery.turn(run).then(() => this.#finish(run));
    if (this.#detached.takes(run)) void this.#detached.hold(run, work);
    else this.#queue.occupy(run);
  }

  async #start(run: LiveRun): Promise<void> {
    run.stopQueueTimer?.();
    if (run.status === 'pending' && makeReady(run, this.#tools.places))
      run.stored = this.#storeRunning(run, Math.max(Date.now(), run.createdAt));
    await this.#finish(run);
    this.#queue.release();
  }

  /** A crash must not start it twice, nor at another time than was told: it has begun for the record before it begins. */
  async #storeRunning(run: LiveRun, startedAt: number): Promise<void> {
    await run.stored;
    await writeUntilStored(this.#store, () => this.#store.markRunning(run.id, startedAt));
    setRunning(run, startedAt);
  }

  /** Never rejects. */
  async #finish(run: LiveRun): Promise<void> {
    run.stopQueueTimer?.();
    try {
      const facts = await execute(run, this.#tools);
      this.#live.delete(run.id);
      this.#recovery.finished(run, facts.outcome);
      run.log.finish(facts);
      this.#views.finish(run, facts);
      if (run.invocation.options.on_finish) this.#options.onFinished?.(run.id);
      reportRun(run, facts, this.#options);
    } catch (error) {
      // The record was lost: the submission has been refused with the same error.
      this.#live.delete(run.id);
      this.#options.log.error({ invocation_id: run.id, err: error }, 'run was not stored');
      this.#discard(run);
    }
    run.finished = true;
    run.waiting.wake();
  }

  #running(id: string): LiveRun {
    const run = this.#live.get(id);
    if (!run) throw new RunwireError('not_running', `${this.#views.stored(id).id} has finished`);
    return run;
  }
}
