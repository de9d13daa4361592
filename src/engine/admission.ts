import { CannotBegin } from '../contract/outcome.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { DiskSpace } from '../disk/space.ts';
import { RunwireError, toldShortage } from '../documents/errors.ts';
import type { InvocationInput } from '../documents/invocation.ts';
import { PLACES, type Places } from '../documents/places.ts';
import { REASON_OF, WAITING_REASONS, type Waiting } from '../documents/waiting.ts';
import type { ChurnMap } from '../platform/churn-map.ts';
import { afterMs } from '../platform/timer.ts';
import type { LiveRun } from '../run/live-run.ts';
import { makeReady } from '../run/preparation.ts';
import type { SessionRuns } from '../run/session-runs.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { WorkspaceRuns } from '../workspaces/run-turns.ts';
import type { Conduct } from './conduct.ts';
import { DetachedRuns } from './detached-runs.ts';
import type { PlaceNumbers, SentFiles, Submission, SubmitOptions } from './engine.ts';
import type { Intake } from './intake.ts';
import { newRecord } from './new-record.ts';
import { PlaceShortage, type ShortageLog } from './place-shortage.ts';
import { placeFiles } from './placed-files.ts';
import { RunQueue } from './queue.ts';
import { queueTimeoutOf } from './queue-timeout.ts';
import { WorkspaceLine } from './workspace-line.ts';

export interface AdmissionParts {
  config: { maxConcurrent: number; maxCalls: number; maxQueue: number };
  intake: Intake;
  store: InvocationStore;
  conduct: Conduct;
  disk: DiskSpace;
  places: PrivatePlaces;
  /** All that are not finished, by id. */
  live: ChurnMap<string, LiveRun>;
  /** Null: there are no workspaces. */
  workspaces: WorkspaceRuns | null;
  /** Null: there are no sessions. */
  sessions: SessionRuns | null;
  log: ShortageLog;
}

/** Lets runs in: each is refused, or stored and given a place, at once or in its order. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #queues: Readonly<{ [Sort in Places]: RunQueue<LiveRun> }>;
  readonly #shortages: Readonly<{ [Sort in Places]: PlaceShortage }>;
  readonly #detached: DetachedRuns;
  /** Runs that wait for their turn in a workspace, before they wait for a place. */
  readonly #line: WorkspaceLine;
  /** How the clocks of those that may wait for so long only are taken back. */
  readonly #clocks = new Map<LiveRun, () => void>();
  #draining = false;

  constructor(parts: AdmissionParts) {
    const { config, log } = parts;
    this.#parts = parts;
    this.#detached = new DetachedRuns(config.maxQueue);
    this.#line = new WorkspaceLine(parts.workspaces, sortOf);
    const programs = this.#queueFor(config.maxConcurrent);
    const calls = this.#queueFor(config.maxCalls);
    this.#queues = { programs, calls };
    this.#shortages = {
      programs: new PlaceShortage('programs', programs, log),
      calls: new PlaceShortage('calls', calls, log),
    };
  }

  submit(input: InvocationInput, options: SubmitOptions = {}): Submission {
    const { intake, store, conduct, live, places } = this.#parts;
    const earlier = intake.earlier(input, options);
    if (earlier !== null) return { id: earlier, replayed: true, stored: store.committed() };
    const { closed } = this;
    if (closed) throw closed;
    const run = intake.accept(input, options);
    const detached = this.#detached.takes(run);
    if (detached) this.#detached.admit(run.workspace === null ? 0 : this.#line.waiting);
    else if (this.#isFull(run)) throw queueFull(sortOf(run));
    if (options.files) this.#place(run, options.files);
    // What is to be done in a workspace before it begins takes its time.
    const mayBegin = run.workspace === null && (detached || this.#queueOf(run).hasPlace);
    if (mayBegin && makeReady(run, places)) run.begin(Date.now());
    run.keep(this.#insert(run));
    live.set(run.id, run);
    this.#joinSession(run);
    if (run.refusal) void conduct.lead(run);
    else if (run.workspace !== null) this.#standInLine(run);
    else if (detached) void this.#detached.hold(run, () => conduct.lead(run));
    else this.#enqueue(run);
    return { id: run.id, replayed: false, stored: run.stored };
  }

  /** It waited under an earlier server and waits again; one that is aborted only ends. */
  readmit(run: LiveRun): void {
    this.#joinSession(run);
    if (run.signal.aborted) void this.#parts.conduct.lead(run);
    else if (run.workspace !== null) this.#standInLine(run);
    else this.#enqueue(run);
  }

  /** An earlier server had started it. `turn`: one that takes no place goes on when it resolves. */
  resume(run: LiveRun, turn: () => Promise<void>): void {
    const { conduct } = this.#parts;
    this.#joinSession(run);
    if (run.workspace !== null) this.#line.resume(run);
    if (this.#detached.takes(run)) void this.#detached.hold(run, () => turn().then(() => conduct.lead(run)));
    else this.#queueOf(run).occupy(run);
  }

  /** One that waits ends as it is; of others nothing is done. */
  takeOut(run: LiveRun): void {
    if (!this.#line.remove(run) && !this.#queueOf(run).remove(run)) return;
    this.#lookAtShortage(run);
    this.#stopClock(run);
    void this.#parts.conduct.lead(run);
  }

  /** Let nobody in any more, and start nothing that waits. */
  close(): void {
    this.#draining = true;
    this.#line.pause();
    for (const sort of PLACES) {
      this.#queues[sort].pause();
      this.#shortages[sort].stop();
    }
  }

  /** Why nothing is accepted whatever comes; null: something may be. */
  get closed(): RunwireError | null {
    if (this.#draining)
      return new RunwireError('draining', 'the server is shutting down', { retryAfterSeconds: 5 });
    const shortage = this.#parts.disk.shortage();
    return shortage === null
      ? null
      : new RunwireError('insufficient_storage', shortage, { retryAfterSeconds: 10 });
  }

  /** Why a run that comes now is refused; null: it is not. */
  get refusal(): RunwireError | null {
    const full = PLACES.find((sort) => this.#queues[sort].full);
    return this.closed ?? (full === undefined ? null : queueFull(full));
  }

  get running(): number {
    return this.#queues.programs.running + this.#queues.calls.running + this.#detached.count;
  }

  get queued(): number {
    return this.#queues.programs.queued + this.#queues.calls.queued + this.#line.waiting;
  }

  /** What a run waits for; null: for nothing. */
  waitingOf(run: LiveRun): Waiting | null {
    const queue = this.#queueOf(run);
    const turn = this.#line.waitingOf(run);
    if (turn) return this.#draining ? { ...turn, reason: 'draining', holders: [] } : turn;
    const place = queue.placeOf(run);
    if (place === null) return run.controls?.waiting?.() ?? null;
    return this.#draining
      ? { reason: 'draining', place, holders: [] }
      : { reason: REASON_OF[sortOf(run)], place, holders: [...queue.holders] };
  }

  /** Places and who waits, of all runs. Looks at every detached one: not per request. */
  get numbers(): PlaceNumbers {
    const places = { programs: numbersOf(this.#queues.programs), calls: numbersOf(this.#queues.calls) };
    const waiting = Object.fromEntries(
      WAITING_REASONS.map((reason) => [reason, 0]),
    ) as PlaceNumbers['waiting'];
    for (const sort of PLACES)
      waiting[this.#draining ? 'draining' : REASON_OF[sort]] += this.#queues[sort].queued;
    waiting[this.#draining ? 'draining' : 'workspace'] += this.#line.waiting;
    for (const run of this.#detached) {
      const reason = run.controls?.waiting?.()?.reason;
      if (reason !== undefined) waiting[reason]++;
    }
    return { places, waiting };
  }

  /** Those whose work this server waits for when it stops: neither waiting nor done by others. */
  atWork(): LiveRun[] {
    return [...this.#parts.live.values()].filter(
      (run) => !this.#queueOf(run).waits(run) && !this.#line.waits(run) && !this.#detached.has(run),
    );
  }

  /**
   * The files that came with a run become its scratch directory, or wait for its turn in its workspace: what a crash
   * leaves of them without a record is swept.
   */
  #place(run: LiveRun, files: SentFiles): void {
    const { conduct, disk } = this.#parts;
    try {
      placeFiles(run, files);
    } catch (error) {
      conduct.discard(run);
      const told = toldShortage(error);
      if (told instanceof RunwireError) disk.failed(told);
      throw told;
    }
  }

  /** Store a new run. Its files go when its record cannot be stored. */
  #insert(run: LiveRun): Promise<void> {
    const { store, conduct, disk } = this.#parts;
    try {
      refuseUnbegun(run);
      store.insert(newRecord(run));
    } catch (error) {
      conduct.discard(run);
      if (error instanceof RunwireError && error.code === 'insufficient_storage') disk.failed(error);
      throw error;
    }
    return store.committed();
  }

  #joinSession({ id, invocation }: LiveRun): void {
    const { session } = invocation.options;
    if (session !== undefined) this.#parts.sessions?.joined(id, session);
  }

  /** Its turn in its workspace comes first, then a place. */
  #standInLine(run: LiveRun): void {
    this.#line.enter(run, () => {
      if (!this.#detached.takes(run)) return this.#enqueue(run);
      this.#stopClock(run);
      void this.#detached.hold(run, () => this.#parts.conduct.start(run));
    });
    if (this.#line.waits(run)) this.#watchWaiting(run);
  }

  /** Would a run that comes now be one too many of those who wait. */
  #isFull(run: LiveRun): boolean {
    const queue = this.#queueOf(run);
    const inLine = this.#line.waitingFor(sortOf(run));
    if (inLine === 0 && run.workspace === null) return queue.full;
    const begins = queue.hasPlace && this.#line.hasTurnFor(run);
    return !begins && queue.queued + inLine >= this.#parts.config.maxQueue;
  }

  #enqueue(run: LiveRun): void {
    const queue = this.#queueOf(run);
    queue.add(run);
    if (!queue.waits(run)) return;
    this.#lookAtShortage(run);
    if (!this.#clocks.has(run)) this.#watchWaiting(run);
  }

  /** It ends when it has waited for too long, or when its record is lost. */
  #watchWaiting(run: LiveRun): void {
    const timeout = queueTimeoutOf(run);
    if (timeout) {
      const waits = (): boolean => this.#line.waits(run) || this.#queueOf(run).waits(run);
      const expired = (): void => void (waits() && run.abort(timeout.reason) && this.takeOut(run));
      this.#clocks.set(run, afterMs(timeout.leftMs, expired));
    }
    run.stored.catch(() => this.takeOut(run));
  }

  #lookAtShortage(run: LiveRun): void {
    if (!this.#draining) this.#shortages[sortOf(run)].look();
  }

  #queueOf(run: LiveRun): RunQueue<LiveRun> {
    return this.#queues[sortOf(run)];
  }

  #queueFor(concurrent: number): RunQueue<LiveRun> {
    const { config, conduct } = this.#parts;
    const queue = new RunQueue<LiveRun>({ concurrent, waiting: config.maxQueue }, (run) => {
      this.#stopClock(run);
      void conduct.start(run).then(() => {
        queue.release(run);
        this.#lookAtShortage(run);
      });
    });
    return queue;
  }

  #stopClock(run: LiveRun): void {
    this.#clocks.get(run)?.();
    this.#clocks.delete(run);
  }
}

const numbersOf = ({ places, running }: RunQueue<LiveRun>) => ({ all: places, taken: running });

const sortOf = ({ runner }: LiveRun): Places => runner.places ?? 'programs';

function queueFull(of: Places): RunwireError {
  const words = of === 'programs' ? 'the queue is full' : 'the queue of calls is full';
  return new RunwireError('queue_full', words, { retryAfterSeconds: 1 });
}

/** Throws for a new run that the server could not begin: it is not accepted, and may be sent again. */
function refuseUnbegun({ refusal }: LiveRun): void {
  if (!(refusal instanceof CannotBegin)) return;
  const told = toldShortage(refusal.cause);
  if (told instanceof RunwireError) throw told;
  throw new RunwireError('insufficient_storage', refusal.message, { retryAfterSeconds: 10, cause: refusal });
}
