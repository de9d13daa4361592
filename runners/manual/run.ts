import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Claimed } from '../../src/documents/claim.ts';
import type { Completion } from '../../src/documents/completion.ts';
import { RunwireError, toldShortage } from '../../src/documents/errors.ts';
import type { Stream } from '../../src/documents/stream.ts';
import { Timer } from '../../src/platform/timer.ts';
import { Waiters } from '../../src/platform/waiters.ts';
import { claimDocument } from './claim-document.ts';
import { wasTaken } from './completion.ts';
import { Lease } from './lease.ts';
import { completionOutcome, lostOutcome, stoppedOutcome, unclaimedOutcome } from './outcome.ts';
import type { ManualSpec } from './spec.ts';
import { type HeldClaim, holderOf, type ManualState, mayReport, withClaim, writeState } from './state.ts';
import type { Uploads } from './uploads.ts';

/** A restart of the server is no fault of the worker: it has so long to be heard again. */
const RESTART_PATIENCE_MS = 15_000;

export interface ManualRunParts {
  ctx: RunContext<ManualSpec>;
  state: ManualState;
  uploads: Uploads;
  /** It has no worker and wants one. `again`: it had one. */
  onWaiting(run: ManualRun, again: boolean): void;
  /** It is not to be given to anyone any more. */
  onOver(run: ManualRun): void;
}

/** One run that somebody elsewhere does: it waits, is claimed, is over. What a worker is told is in a file before. */
export class ManualRun {
  readonly id: string;
  readonly ctx: RunContext<ManualSpec>;
  readonly #parts: ManualRunParts;
  readonly #state: ManualState;
  readonly uploads: Uploads;
  readonly #outcome = Promise.withResolvers<RunnerOutcome>();
  /** Who waits until the run is to be stopped, or is over. */
  readonly stopping = new Waiters();
  readonly #lease = new Lease(() => this.#lapse());
  readonly #grace = new Timer();
  readonly #unclaimed = new Timer();
  #savedAt = 0;
  /** Monotonic; what it waited under an earlier server counts. */
  readonly #startedAt: number;
  /** All that an earlier server wrote has been read. */
  #isBegun = false;
  /** No worker may say anything any more: the run is over, or the server stops. */
  #shut: 'over' | 'left' | null = null;
  /** Settles when what an earlier server wrote has been read. */
  ready: Promise<void> = Promise.resolve();

  constructor(parts: ManualRunParts) {
    this.#parts = parts;
    this.ctx = parts.ctx;
    this.id = parts.ctx.invocation.invocation_id;
    this.#startedAt = performance.now() - Math.max(0, Date.now() - parts.ctx.startedAt);
    this.#state = parts.state;
    this.uploads = parts.uploads;
  }

  get outcome(): Promise<RunnerOutcome> {
    return this.#outcome.promise;
  }

  /** It has no worker, and may be given to one. */
  get isWaiting(): boolean {
    return this.#isBegun && !this.isShut && this.#state.claim === null;
  }

  get isShut(): boolean {
    return this.#shut !== null;
  }

  /** A worker has the claim and was heard of. */
  get isAccepted(): boolean {
    return this.#state.claim?.accepted === true;
  }

  /** Carry on with a run of an earlier server: leases go on, and workers are heard once all is read. */
  resume(): void {
    this.ready = this.#readEarlier();
    this.ready.catch((error: unknown) => this.refuse(error));
  }

  async #readEarlier(): Promise<void> {
    const { completion, claim, tokens } = this.#state;
    // A run that nobody ever claimed has nothing to be read, and there may be very many of them.
    if (tokens.length > 0) {
      this.uploads.resume();
      await this.ctx.resumeOutput();
    }
    if (completion) return this.#finish(completionOutcome(completion.body, this.uploads.list()));
    this.ctx.goesOn();
    if (claim?.accepted) {
      const patience = Math.min(RESTART_PATIENCE_MS, claim.leaseSeconds * 1000);
      const left = Math.min(claim.leaseExpiresAt - Date.now(), claim.leaseSeconds * 1000);
      this.#lease.extend(claim, Math.max(patience, left));
    } else if (claim) this.#forgetClaim();
    this.begin();
  }

  begin(): void {
    this.#isBegun = true;
    const { signal } = this.ctx;
    this.ctx.offer({ hasten: (graceMs) => this.#endIn(graceMs) });
    if (signal.aborted) return this.#stop();
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    if (!this.#state.claim) this.#wait(false);
  }

  #wait(again: boolean): void {
    const seconds = this.ctx.invocation.options.queue_timeout_seconds;
    if (seconds !== undefined && this.#state.attempts === 0)
      this.#unclaimed.set(Math.max(0, this.#startedAt + seconds * 1000 - performance.now()), () =>
        this.#finish(unclaimedOutcome(seconds)),
      );
    this.#parts.onWaiting(this, again);
  }

  /** Hand it out. `accepted`: who is given it has asked for it, so that the lease runs. `base`: see claimDocument. */
  claim(request: {
    worker?: string | undefined;
    leaseSeconds?: number | undefined;
    accepted: boolean;
    base?: string;
  }): Claimed {
    const { spec, output, directory, invocation } = this.ctx;
    const { worker = null, leaseSeconds = spec.lease_seconds, accepted, base = '' } = request;
    const bytes = (stream: Stream): number => output.captured(stream).bytes;
    const reported = { stdout: bytes('stdout'), stderr: bytes('stderr') };
    const { token, attempt, held, next } = withClaim(this.#state, {
      worker,
      leaseSeconds,
      accepted,
      reported,
    });
    writeState(directory, next);
    Object.assign(this.#state, next);
    try {
      output.acknowledged.progress({ message: 'claimed', data: { attempt, worker } });
    } catch (error) {
      this.#forgetClaim();
      throw toldShortage(error);
    }
    this.#unclaimed.clear();
    this.#lease.extend(held, leaseSeconds * 1000);
    return claimDocument(invocation, base, { token, attempt, leaseExpiresAt: held.leaseExpiresAt });
  }

  /** The claim never reached anybody: it does not count. */
  takeBack(token: string): void {
    if (this.isShut || holderOf(this.#state, token) !== 'present') return;
    this.#forgetClaim();
    if (this.ctx.signal.aborted) this.#stop();
    else this.#wait(true);
  }

  /** The worker is known to have its claim, and the lease runs from now. */
  accept(): void {
    if (this.#state.claim && !this.isShut) this.renew(this.#state.claim, true);
  }

  holds(token: string): boolean {
    return holderOf(this.#state, token) !== 'nobody';
  }

  /** Throws completion_conflict when another one was taken. */
  wasTaken(token: string, sha256: string): boolean {
    return wasTaken(this.#state, token, sha256);
  }

  /** The worker's word on how it ended; a crash cannot forget it. */
  take(completion: Completion, sha256: string): void {
    const next = { ...this.#state, completion: { sha256, body: completion } };
    writeState(this.ctx.directory, next);
    Object.assign(this.#state, next);
    this.#finish(completionOutcome(completion, this.uploads.list()));
  }

  /** It ends without a worker's word; what was uploaded is kept. */
  end(outcome: RunnerOutcome): void {
    this.#finish({ ...outcome, artifacts: this.uploads.list() });
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
    for (const timer of [this.#lease, this.#grace, this.#unclaimed]) timer.clear();
    this.#parts.onOver(this);
    this.stopping.wake();
  }

  /** The signal was pressed. A worker that is at it gets the grace to say how it ended; out of time is out of time. */
  #stop(): void {
    if (this.isShut) return;
    const { reason } = this.ctx.signal;
    if (!this.isAccepted || reason.kind === 'timeout') return this.end(stoppedOutcome(this.#state.attempts));
    this.stopping.wake();
    this.#endIn(reason.graceMs);
  }

  #endIn(ms: number): void {
    if (this.isShut || (this.#grace.due !== null && this.#grace.due <= performance.now() + ms)) return;
    this.#grace.set(ms, () => this.end(stoppedOutcome(this.#state.attempts)));
  }

  /** The claim whose token this is. Throws where it may not report. */
  present(token: string): HeldClaim {
    if (this.#shut === 'left')
      throw new RunwireError('draining', 'The server is shutting down.', { retryAfterSeconds: 1 });
    return mayReport(this.#state, token, this.#shut === 'over');
  }

  /** The worker was heard of. `save`: its new lease is to survive a crash; else now and then. */
  renew(held: HeldClaim, save: boolean): void {
    const ms = held.leaseSeconds * 1000;
    const first = !held.accepted;
    held.accepted = true;
    this.#lease.extend(held, ms);
    if (save || first || performance.now() - this.#savedAt > ms / 4) this.#save();
  }

  /** The worker was not heard of until the end of its lease. */
  #lapse(): void {
    const { attempts, claim } = this.#state;
    const last = this.ctx.signal.aborted || attempts >= this.ctx.spec.max_attempts;
    this.#state.claim = null;
    this.#save();
    try {
      if (!last) this.uploads.discard();
      this.ctx.output.progress({
        message: 'claim lost',
        data: { attempt: attempts, worker: claim?.worker ?? null },
      });
    } catch {
      // A full disk: that the claim is lost is said in the answers to its worker.
    }
    if (this.ctx.signal.aborted) this.end(stoppedOutcome(attempts));
    else if (last) this.end(lostOutcome(attempts));
    else this.#wait(true);
  }

  #forgetClaim(): void {
    this.#lease.clear();
    this.#state.claim = null;
    this.#state.attempts--;
    this.#save();
  }

  /** What a crash may forget without harm: a renewed lease, a lost claim. */
  #save(): void {
    this.#savedAt = performance.now();
    try {
      writeState(this.ctx.directory, this.#state);
    } catch {
      // A full disk: the file holds an earlier lease.
    }
  }
}
