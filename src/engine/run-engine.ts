import type { Config } from '../config.ts';
import type { Claims } from '../contract/claims.ts';
import type { Runner } from '../contract/runner.ts';
import { DiscardedFiles } from '../disk/discarded.ts';
import { PrivatePlaces } from '../disk/private-places.ts';
import { type DiskSpace, diskSpace, fileSystemSizes } from '../disk/space.ts';
import type { Canceller } from '../documents/cancelled-by.ts';
import { RunwireError } from '../documents/errors.ts';
import { isFinal } from '../documents/result.ts';
import type { TerminalSize } from '../documents/terminal.ts';
import type { InputTools } from '../inputs/given-inputs.ts';
import { afterMs } from '../platform/timer.ts';
import { type CallbackAddresses, callbackAddresses } from '../run/callback-address.ts';
import { graceMs, type LiveRun } from '../run/live-run.ts';
import { baseEnvironment } from '../run/process-environment.ts';
import type { RemovalReason } from '../store/removed-runs.ts';
import { untraced } from '../traces/traces.ts';
import { Admission } from './admission.ts';
import { Conduct } from './conduct.ts';
import { closeInput, controlOf } from './control.ts';
import type { Engine, PlaceNumbers, Readiness, StorageNumbers } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import { Intake } from './intake.ts';
import { LiveRuns } from './live-runs.ts';
import { Recovery } from './recovery.ts';
import { refuseRemoval, removeRun } from './removal.ts';
import { RunViews } from './views.ts';

/** Milliseconds for the storage, seconds of grace; absent: as long as it takes, as each run has it. */
interface CancelAll {
  graceSeconds?: number | undefined;
  storeMs?: number | undefined;
  leave?: boolean;
}

/** All runs of one server: its parts put together, and what may be asked of them. */
export class RunEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #callbacks: CallbackAddresses;
  /** All that are not finished, by id. */
  readonly #live = new LiveRuns();
  readonly #discarded: DiscardedFiles;
  readonly #disk: DiskSpace;
  readonly #views: RunViews;
  readonly #recovery: Recovery;
  readonly #admission: Admission;

  constructor(options: EngineOptions) {
    const { config, store, registry } = options;
    const live = this.#live;
    const places = options.places ?? new PrivatePlaces(config.dataDir);
    const workspaces = options.workspaces?.runs ?? null;
    const { sessions = null, specs = null, assets = null, traces = untraced } = options;
    const inputs = { ...this.#inputTools(places, config), assets };
    const intake = new Intake(config, store, registry, live, workspaces, sessions, specs, inputs);
    this.#options = options;
    this.#callbacks = options.callbacks ?? callbackAddresses();
    this.#discarded = new DiscardedFiles(config.dataDir);
    this.#disk = options.disk ?? diskSpace(config.dataDir, config.minFreeDiskBytes);
    this.#views = new RunViews(config.dataDir, live, {
      ...{ store, places, registry },
      spaces: options.workspaces ?? null,
      waitingOf: (run) => this.#admission.waitingOf(run),
    });
    this.#recovery = new Recovery({ ...options, intake, live });
    const tools = {
      ...{ config, store, places, workspaces, sessions, traces, callbacks: this.#callbacks },
      baseEnvironment: baseEnvironment(options.environment, config.envPassthrough),
    };
    const conduct = new Conduct({
      ...options,
      ...{ tools, live, traces, views: this.#views, recovery: this.#recovery, discarded: this.#discarded },
    });
    this.#admission = new Admission({
      ...{ config, intake, store, conduct, disk: this.#disk, places, live, workspaces, sessions },
      log: options.log,
    });
  }

  #inputTools(places: PrivatePlaces, config: Config): Omit<InputTools, 'assets'> {
    const { maxUploadBytes: bytes, maxUploadFiles: files } = config;
    return {
      artifacts: {
        artifactPath: (run, artifact) => this.#views.artifactPath(run, artifact),
        reading: (run, read) => this.#views.finished.reading(run, read),
      },
      caps: { bytes, files },
      view: (directory) => places.look(directory),
    };
  }

  get kinds(): readonly Runner[] {
    return this.#options.registry.all;
  }

  readonly submit: Engine['submit'] = (input, options) => this.#admission.submit(input, options);
  readonly has: Engine['has'] = (id) => this.#views.has(id);
  readonly status: Engine['status'] = (id) => this.#views.status(id);
  readonly recordJson: Engine['recordJson'] = (id) => this.#views.recordJson(id);
  readonly record: Engine['record'] = (id) => this.#views.record(id);
  readonly exactInvocation: Engine['exactInvocation'] = (id) => this.#views.exactInvocation(id);
  readonly list: Engine['list'] = (filter) => this.#views.list(filter);
  readonly log: Engine['log'] = (id) => this.#views.log(id);
  readonly directory: Engine['directory'] = (id) => this.#views.directory(id);
  readonly artifacts: Engine['artifacts'] = (id) => this.#views.artifacts(id);
  readonly artifactPath: Engine['artifactPath'] = (id, name) => this.#views.artifactPath(id, name);
  readonly workFiles: Engine['workFiles'] = (id) => this.#views.workFiles(id);
  readonly changingFiles: Engine['changingFiles'] = (id, change) => this.#views.changingFiles(id, change);
  readonly placeOf = (id: string): ReturnType<RunViews['placeOf']> => this.#views.placeOf(id);
  readonly reading: Engine['reading'] = (id, read) => this.#views.finished.reading(id, read);
  readonly readingFiles: Engine['readingFiles'] = (id, read) => this.#views.readingFiles(id, read);
  readonly runtimes: Engine['runtimes'] = () => this.#options.registry.describeAll();
  readonly runtime: Engine['runtime'] = (word) => this.#options.registry.describe(word);
  readonly resumed: Engine['resumed'] = (id) => this.#recovery.resumed(this.#live.get(id));

  async waitFinished(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const run = this.#live.get(id);
    return run ? run.ended({ ms, signal }) : isFinal(this.status(id));
  }

  cancel(id: string, graceSeconds?: number, by: Canceller = 'client'): boolean {
    const run = this.#live.get(id);
    if (!run) {
      this.#views.stored(id);
      return false;
    }
    const grace = graceMs(run, this.#options.config, graceSeconds);
    const first = run.abort({ kind: 'cancel', graceMs: grace, by });
    if (!first && graceSeconds !== undefined) run.controls?.hasten?.(grace);
    this.#admission.takeOut(run);
    return true;
  }

  async writeStdin(id: string, bytes: Buffer): Promise<void> {
    await controlOf(this.#running(id), 'writeStdin')(bytes);
  }

  async closeStdin(id: string): Promise<void> {
    const run = this.#live.get(id);
    if (run) await closeInput(run);
    else this.#views.stored(id);
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    await controlOf(this.#running(id), 'resize')(size);
  }

  async signal(id: string, name: string): Promise<void> {
    await controlOf(this.#running(id), 'signal')(name);
  }

  async callback(id: string, token: string, body: string): Promise<void> {
    const run = this.#live.get(id);
    const subject = run ?? this.#options.store.get(id);
    if (!subject || !this.#callbacks.proves(subject, token))
      throw new RunwireError('unauthorized', 'This address is not, or no longer, good for a run');
    // Late news of a run that is over, or nearly so, changes nothing and is no error of the backend's.
    if (run?.controls) await controlOf(run, 'callback')(body);
  }

  async remove(id: string, reason: RemovalReason = 'deleted'): Promise<void> {
    if (this.#live.has(id)) throw new RunwireError('not_finished', `${id} has not finished: cancel it first`);
    const { store, log, sessions, workspaces } = this.#options;
    refuseRemoval(id, { sessions, workspaces });
    const parts = { store, log, views: this.#views, discarded: this.#discarded, disk: this.#disk };
    await removeRun(parts, id, reason);
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

  /** Does an unfinished run take what this one left behind. */
  isNeeded(id: string): boolean {
    return this.#live.need(id);
  }

  readiness(): Readiness {
    const { running, queued, refusal } = this.#admission;
    const reason = refusal?.message ?? null;
    return { ready: reason === null, reason, running, queued, recovery: this.#recovery.state };
  }

  numbers(): PlaceNumbers & StorageNumbers {
    const { config, store } = this.#options;
    return {
      ...this.#admission.numbers,
      finished: orNull(() => store.finishedTotals()),
      disk: fileSystemSizes(config.dataDir),
    };
  }

  /** Revive what an earlier server left: waiting runs wait again, in order; running ones are resumed. */
  recover(): void {
    const { store } = this.#options;
    const isKnown = (directory: string): boolean =>
      this.#live.has(directory) || store.hasDirectory(directory);
    this.#discarded.restoreKnown(isKnown);
    this.#discarded.sweep(isKnown).catch((err) => this.#options.log.warn({ err }, 'sweep of old files'));
    this.#recovery.begin(store.unfinished(), this.#admission);
    this.#options.workspaces?.runs.open();
  }

  /**
   * Accept no more; waiting and detached runs stay for the next server, with `leave` also those that outlive this one,
   * but for those that are being stopped. Resolves when no other one runs, or after `ms`.
   */
  async drain(ms: number, { leave = false } = {}): Promise<void> {
    this.#stopStarting();
    const wait = Promise.withResolvers<void>();
    const stop = afterMs(ms, () => wait.resolve());
    await Promise.race([this.#over(leave), wait.promise]);
    stop();
  }

  /**
   * Cancel what still runs, with `leave` only what does not outlive the server, start nothing more, and wait until it is
   * over. False: for `storeMs` some results could not be stored, and are given up.
   */
  async cancelAll({ graceSeconds, storeMs, leave = false }: CancelAll = {}): Promise<boolean> {
    this.#stopStarting();
    for (const { id } of this.#toEnd(leave)) this.cancel(id, graceSeconds, 'shutdown');
    return this.#over(leave, storeMs);
  }

  #stopStarting(): void {
    this.#admission.close();
    this.#recovery.pause();
  }

  /** What becomes of how many runs when the server stops. */
  whenStopped(leave: boolean): { left: number; ending: number; waiting: number } {
    const { running, queued: waiting } = this.#admission;
    const ending = this.#toEnd(leave).length;
    return { left: Math.max(0, running - ending), ending, waiting };
  }

  #toEnd(leave: boolean): LiveRun[] {
    return this.#admission.atWork().filter((run) => !(leave && run.mayBeLeft));
  }

  async #over(leave: boolean, storeMs?: number): Promise<boolean> {
    const ends = this.#toEnd(leave).map((run) => (leave ? run.overOrLeft(storeMs) : run.over(storeMs)));
    return (await Promise.all(ends)).every((stored) => stored);
  }

  #running(id: string): LiveRun {
    const run = this.#live.get(id);
    if (!run) throw new RunwireError('not_running', `${this.#views.stored(id).id} has finished`);
    return run;
  }
}

/** The other numbers are wanted most while the storage fails. That it does is said by whoever writes. */
function orNull<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof RunwireError) return null;
    throw error;
  }
}
