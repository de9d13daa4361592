import type { Report } from '../../src/contract/claims.ts';
import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Claimed } from '../../src/documents/claim.ts';
import type { Completion } from '../../src/documents/completion.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import type { Waiting } from '../../src/documents/waiting.ts';
import { Timer } from '../../src/platform/timer.ts';
import { Waiters } from '../../src/platform/waiters.ts';
import { type ClaimFacts, Holding } from './holding.ts';
import { completionOutcome, lostOutcome, stoppedOutcome, unclaimedOutcome } from './outcome.ts';
import { reportOn } from './report.ts';
import type { ManualSpec } from './spec.ts';
import type { HeldClaim, ManualState } from './state.ts';
import type { Uploads } from './uploads.ts';

export interface ManualRunParts {
  ctx: RunContext<ManualSpec>;
  state: ManualState;
  uploads: Uploads;
  /** It has no worker and wants one. `again`: it had one. */
  onWaiting(run: ManualRun, again: boolean): void;
  /** It is not to be given to anyone any more. */
  onOver(run: ManualRun): void;
  /** Its place among those that wait for a worker; 1 is the next. */
  placeOf(run: ManualRun): number;
}

/** One run that somebody elsewhere does: it waits, is claimed, is over. */
export class ManualRun {
  readonly id: string;
  readonly runtimeName: string;
  readonly #parts: ManualRunParts;
  readonly #ctx: RunContext<ManualSpec>;
  readonly #uploads: Uploads;
  readonly #holding: Holding;
  readonly #outcome = Promise.withResolvers<RunnerOutcome>();
  /** Who waits until the run is to be stopped, or is over. */
  readonly stopping = new Waiters();
  readonly #grace = new Timer();
  readonly #unclaimed = new Timer();
  /** Monotonic; what it waited under an earlier server counts. */
  readonly #acceptedAt: number;
  /** All that an earlier server wrote has been read. */
  #isBegun = false;
  /** No worker may say anything any more: the run is over, or the server stops. */
  #shut: 'over' | 'left' | null = null;
  /** Settles when what an earlier server wrote has been read. */
  ready: Promise<void> = Promise.resolve();

  constructor(parts: ManualRunParts) {
    const { ctx, state, uploads } = parts;
    this.#parts = parts;
    this.#ctx = ctx;
    this.#uploads = uploads;
    this.id = ctx.invocation.invocation_id;
    this.runtimeName = ctx.invocation.runtime_name;
    this.#acceptedAt = performance.now() - Math.max(0, Date.now() - ctx.acceptedAt);
    this.#holding = new Holding(ctx, state, (worker) => this.#lapsed(worker));
  }

  get outcome(): Promise<RunnerOutcome> {
    return this.#outcome.promise;
  }

  /** It has no worker, and may be given to one. */
  get isWaiting(): boolean {
    return this.#isBegun && !this.isShut && this.#holding.isFree;
  }

  get isShut(): boolean {
    return this.#shut !== null;
  }

  /** A worker has the claim and was heard of. */
  get isAccepted(): boolean {
    return this.#holding.isAccepted;
  }

  /** Resume a run of an earlier server: leases go on, and workers are heard once all is read. */
  resume(): void {
    this.ready = this.#readEarlier();
    this.ready.catch((error: unknown) => this.refuse(error));
  }

  async #readEarlier(): Promise<void> {
    // A run that nobody ever claimed has nothing to be read, and there may be very many of them.
    if (this.#holding.wasClaimed) {
      this.#uploads.resume();
      await this.#ctx.resumeOutput();
    }
    const { completion } = this.#holding;
    if (completion) return this.#finish(completionOutcome(completion, this.#uploads.list()));
    this.#ctx.goesOn();
    this.#holding.resume();
    this.begin();
  }

  begin(): void {
    this.#isBegun = true;
    const { signal } = this.#ctx;
    this.#ctx.offer({ hasten: (graceMs) => this.#endIn(graceMs), waiting: () => this.#waiting() });
    if (signal.aborted) return this.#stop();
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    if (this.#holding.isFree) this.#wait(false);
  }

  #waiting(): Waiting | null {
    if (this.isShut || this.isAccepted) return null;
    return { reason: 'worker', place: this.#parts.placeOf(this), holders: [] };
  }

  #wait(again: boolean): void {
    const seconds = this.#ctx.invocation.options.queue_timeout_seconds;
    if (seconds !== undefined && this.#holding.attempts === 0)
      this.#unclaimed.set(Math.max(0, this.#acceptedAt + seconds * 1000 - performance.now()), () =>
        this.#finish(unclaimedOutcome(seconds)),
      );
    this.#parts.onWaiting(this, again);
  }

  /** Hand it out. Throws RunwireError insufficient_storage: then it waits on. */
  claim(request: ClaimFacts): Claimed {
    const claimed = this.#holding.give(request);
    this.#unclaimed.clear();
    return claimed;
  }

  /** The claim never reached anybody: it does not count. */
  takeBack(token: string): void {
    if (this.isShut || !this.#holding.isPresent(token)) return;
    this.#holding.forget();
    if (this.#ctx.signal.aborted) this.#stop();
    else this.#wait(true);
  }

  /** The worker is known to have its claim, and the lease runs from now. */
  accept(): void {
    if (!this.isShut) this.#holding.accept();
  }

  /** Is this the token of a claim of the run, present or past. */
  holds(token: string): boolean {
    return this.#holding.knows(token);
  }

  /** What the holder of this token may say. */
  report(token: string): Report {
    return reportOn(
      {
        ctx: this.#ctx,
        ready: this.ready,
        uploads: this.#uploads,
        holding: this.#holding,
        stopping: this.stopping,
        present: (given) => this.#present(given),
        take: (completion, sha256) => this.#take(completion, sha256),
      },
      token,
    );
  }

  /** It ends without a worker's word; what was uploaded is kept. */
  end(outcome: RunnerOutcome): void {
    this.#finish({ ...outcome, artifacts: this.#uploads.list() });
  }

  /** It cannot be run at all, or not as it was asked for (Rejected). */
  refuse(error: unknown): void {
    if (this.isShut) return;
    this.#shutDown('over');
    this.#outcome.reject(error);
  }

  /** The server stops and leaves it to the next one. */
  leave(): void {
    if (!this.isShut) this.#shutDown('left');
  }

  #finish(outcome: RunnerOutcome): void {
    if (this.isShut) return;
    this.#shutDown('over');
    this.#outcome.resolve(outcome);
  }

  #shutDown(why: 'over' | 'left'): void {
    this.#shut = why;
    this.#holding.close();
    for (const timer of [this.#grace, this.#unclaimed]) timer.clear();
    this.#parts.onOver(this);
    this.stopping.wake();
  }

  /** The signal was pressed. A worker that is at it gets the grace to say how it ended; out of time is out of time. */
  #stop(): void {
    if (this.isShut) return;
    const { reason } = this.#ctx.signal;
    if (!this.isAccepted || reason.kind === 'timeout')
      return this.end(stoppedOutcome(this.#holding.attempts));
    this.stopping.wake();
    this.#endIn(reason.graceMs);
  }

  #endIn(ms: number): void {
    if (this.isShut || (this.#grace.due !== null && this.#grace.due <= performance.now() + ms)) return;
    this.#grace.set(ms, () => this.end(stoppedOutcome(this.#holding.attempts)));
  }

  #present(token: string): HeldClaim {
    if (this.#shut === 'left')
      throw new RunwireError('draining', 'The server is shutting down.', { retryAfterSeconds: 1 });
    return this.#holding.present(token, this.#shut === 'over');
  }

  #take(completion: Completion, sha256: string): void {
    this.#holding.take(completion, sha256);
    this.#finish(completionOutcome(completion, this.#uploads.list()));
  }

  /** Its worker was not heard of until the end of its lease. */
  #lapsed(worker: string | null): void {
    const { attempts } = this.#holding;
    const { spec, output, signal } = this.#ctx;
    const last = signal.aborted || attempts >= spec.max_attempts;
    try {
      if (!last) this.#uploads.discard();
      output.progress({ message: 'claim lost', data: { attempt: attempts, worker } });
    } catch {
      // A full disk: that the claim is lost is said in the answers to its worker.
    }
    if (signal.aborted) this.end(stoppedOutcome(attempts));
    else if (last) this.end(lostOutcome(attempts));
    else this.#wait(true);
  }
}
