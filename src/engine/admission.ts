import { CannotBegin } from '../contract/outcome.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { DiskSpace } from '../disk/space.ts';
import { RunwireError, toldShortage } from '../documents/errors.ts';
import type { InvocationInput } from '../documents/invocation.ts';
import type { ChurnMap } from '../platform/churn-map.ts';
import { afterMs } from '../platform/timer.ts';
import type { LiveRun } from '../run/live-run.ts';
import { makeReady } from '../run/preparation.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { Conduct } from './conduct.ts';
import { DetachedRuns } from './detached-runs.ts';
import type { Submission, SubmitOptions } from './engine.ts';
import { type Intake, newRecord } from './intake.ts';
import { RunQueue } from './queue.ts';
import { queueTimeoutOf } from './queue-timeout.ts';

export interface AdmissionParts {
  config: { maxConcurrent: number; maxQueue: number };
  intake: Intake;
  store: InvocationStore;
  conduct: Conduct;
  disk: DiskSpace;
  places: PrivatePlaces;
  /** All that are not finished, by id. */
  live: ChurnMap<string, LiveRun>;
}

/** Lets runs in: each is refused, or stored and given a place, at once or in its order. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #queue: RunQueue<LiveRun>;
  readonly #detached: DetachedRuns;
  /** How the clocks of those that may wait for so long only are taken back. */
  readonly #clocks = new Map<LiveRun, () => void>();
  #draining = false;

  constructor(parts: AdmissionParts) {
    const { config, conduct } = parts;
    this.#parts = parts;
    this.#detached = new DetachedRuns(config.maxQueue);
    this.#queue = new RunQueue({ concurrent: config.maxConcurrent, waiting: config.maxQueue }, (run) => {
      this.#stopClock(run);
      void conduct.start(run).then(() => this.#queue.release());
    });
  }

  submit(input: InvocationInput, { idempotencyKey, traceparent }: SubmitOptions = {}): Submission {
    const { intake, store, conduct, live, places } = this.#parts;
    const earlier = intake.earlier(input, idempotencyKey);
    if (earlier !== null) return { id: earlier, replayed: true, stored: store.committed() };
    const { closed } = this;
    if (closed) throw closed;
    const run = intake.accept(input, { idempotencyKey, traceparent });
    const detached = this.#detached.takes(run);
    if (detached) this.#detached.admit();
    else if (this.#queue.full) throw queueFull();
    if ((detached || this.#queue.hasPlace) && makeReady(run, places)) run.begin(Date.now());
    run.keep(this.#insert(run));
    live.set(run.id, run);
    if (run.refusal) void conduct.lead(run);
    else if (detached) void this.#detached.hold(run, () => conduct.lead(run));
    else this.#enqueue(run);
    return { id: run.id, replayed: false, stored: run.stored };
  }

  /** It waited under an earlier server and waits again; one that is aborted only ends. */
  readmit(run: LiveRun): void {
    if (run.signal.aborted) void this.#parts.conduct.lead(run);
    else this.#enqueue(run);
  }

  /** An earlier server had started it. `turn`: one that takes no place goes on when it resolves. */
  resume(run: LiveRun, turn: () => Promise<void>): void {
    const { conduct } = this.#parts;
    if (this.#detached.takes(run)) void this.#detached.hold(run, () => turn().then(() => conduct.lead(run)));
    else this.#queue.occupy(run);
  }

  /** One that waits ends as it is; of others nothing is done. */
  takeOut(run: LiveRun): void {
    if (!this.#queue.remove(run)) return;
    this.#stopClock(run);
    void this.#parts.conduct.lead(run);
  }

  /** Let nobody in any more, and start nothing that waits. */
  close(): void {
    this.#draining = true;
    this.#queue.pause();
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
    return this.closed ?? (this.#queue.full ? queueFull() : null);
  }

  get running(): number {
    return this.#queue.running + this.#detached.count;
  }

  get queued(): number {
    return this.#queue.queued;
  }

  /** Those whose work this server waits for when it stops: neither waiting nor done by others. */
  atWork(): LiveRun[] {
    return [...this.#parts.live.values()].filter(
      (run) => !this.#queue.waits(run) && !this.#detached.has(run),
    );
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

  #enqueue(run: LiveRun): void {
    this.#queue.add(run);
    if (!this.#queue.waits(run)) return;
    const timeout = queueTimeoutOf(run);
    if (timeout) {
      const expired = (): void =>
        void (this.#queue.waits(run) && run.abort(timeout.reason) && this.takeOut(run));
      this.#clocks.set(run, afterMs(timeout.leftMs, expired));
    }
    run.stored.catch(() => this.takeOut(run));
  }

  #stopClock(run: LiveRun): void {
    this.#clocks.get(run)?.();
    this.#clocks.delete(run);
  }
}

function queueFull(): RunwireError {
  return new RunwireError('queue_full', 'the queue is full', { retryAfterSeconds: 1 });
}

/** Throws for a new run that the server could not begin: it is not accepted, and may be sent again. */
function refuseUnbegun({ refusal }: LiveRun): void {
  if (!(refusal instanceof CannotBegin)) return;
  const told = toldShortage(refusal.cause);
  if (told instanceof RunwireError) throw told;
  throw new RunwireError('insufficient_storage', refusal.message, { retryAfterSeconds: 10, cause: refusal });
}
