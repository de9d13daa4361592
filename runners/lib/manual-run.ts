import type { ArtifactFacts } from '../../src/artifact.ts';
import type { Claimed, ClaimState, HeartbeatRequest } from '../../src/claim.ts';
import type { Upload } from '../../src/claims.ts';
import type { Completion } from '../../src/completion.ts';
import { RunwireError } from '../../src/errors.ts';
import type { RunContext, RunnerOutcome } from '../../src/runner.ts';
import type { WorkerEvent } from '../../src/worker-event.ts';
import { claimDocument } from './manual-claim.ts';
import { checkCompletion, completionHash, wasTaken } from './manual-completion.ts';
import { readEvents } from './manual-events.ts';
import { completionOutcome, lostOutcome, stoppedOutcome, unclaimedOutcome } from './manual-outcome.ts';
import type { ManualSpec } from './manual-spec.ts';
import {
  digest,
  type HeldClaim,
  holderOf,
  type ManualState,
  mayReport,
  newToken,
  storageError,
  writeState,
} from './manual-state.ts';
import { Timer } from './manual-timer.ts';
import type { Uploads } from './manual-uploads.ts';
import { Wake } from './manual-wake.ts';

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
  readonly #uploads: Uploads;
  readonly #outcome = Promise.withResolvers<RunnerOutcome>();
  readonly #stopping = new Wake();
  readonly #lease = new Timer();
  readonly #grace = new Timer();
  readonly #unclaimed = new Timer();
  /** When the lease ends, on the monotonic clock. */
  #leaseDue = 0;
  #savedAt = 0;
  /** No worker may say anything any more: the run is over, or the server stops. */
  #shut: 'over' | 'left' | null = null;
  /** Settles when what an earlier server wrote has been read. */
  #ready: Promise<void> = Promise.resolve();

  constructor(parts: ManualRunParts) {
    this.#parts = parts;
    this.ctx = parts.ctx;
    this.id = parts.ctx.invocation.invocation_id;
    this.#state = parts.state;
    this.#uploads = parts.uploads;
  }

  get outcome(): Promise<RunnerOutcome> {
    return this.#outcome.promise;
  }

  get isShut(): boolean {
    return this.#shut !== null;
  }

  /** A worker has the claim and was heard of. */
  get isAccepted(): boolean {
    return this.#state.claim?.accepted === true;
  }

  begin(): void {
    this.#go();
  }

  /** Carry on with a run of an earlier server: leases go on, and workers are heard once all is read. */
  resume(): void {
    this.#ready = this.#readEarlier();
    this.#ready.catch((error: unknown) => {
      this.#shutDown('over');
      this.#outcome.reject(error);
    });
  }

  async #readEarlier(): Promise<void> {
    this.#uploads.resume();
    await this.ctx.resumeOutput();
    const { completion, claim } = this.#state;
    if (completion) return this.#finish(completionOutcome(completion.body, this.#uploads.list()));
    if (claim?.accepted) {
      const patience = Math.min(RESTART_PATIENCE_MS, claim.leaseSeconds * 1000);
      this.#extend(claim, Math.max(patience, claim.leaseExpiresAt - Date.now()));
    } else if (claim) this.#forgetClaim();
    this.#go();
  }

  #go(): void {
    const { signal } = this.ctx;
    this.ctx.offer({ hasten: (graceMs) => this.#endIn(graceMs) });
    if (signal.aborted) return this.#stop();
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    if (!this.#state.claim) this.#wait(false);
  }

  #wait(again: boolean): void {
    const { startedAt, invocation } = this.ctx;
    const seconds = invocation.options.queue_timeout_seconds;
    if (seconds !== undefined && this.#state.attempts === 0)
      this.#unclaimed.set(Math.max(0, startedAt + seconds * 1000 - Date.now()), () =>
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
    const leaseSeconds = request.leaseSeconds ?? spec.lease_seconds;
    const token = newToken();
    const attempt = this.#state.attempts + 1;
    const worker = request.worker ?? null;
    const reported = { stdout: 0, stderr: 0 };
    if (attempt > 1)
      for (const stream of ['stdout', 'stderr'] as const) reported[stream] = output.captured(stream).bytes;
    const held: HeldClaim = {
      worker,
      leaseSeconds,
      leaseExpiresAt: Date.now() + leaseSeconds * 1000,
      accepted: request.accepted,
      reported,
    };
    const tokens = [...this.#state.tokens, { sha256: digest(token), attempt }];
    const next: ManualState = { ...this.#state, attempts: attempt, tokens, claim: held };
    writeState(directory, next);
    Object.assign(this.#state, next);
    try {
      output.progress({ message: 'claimed', data: { attempt, worker } });
    } catch (error) {
      this.#forgetClaim();
      throw storageError(error);
    }
    this.#unclaimed.clear();
    this.#extend(held, leaseSeconds * 1000);
    return claimDocument(invocation, request.base ?? '', {
      token,
      attempt,
      leaseExpiresAt: held.leaseExpiresAt,
    });
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
    if (this.#state.claim && !this.isShut) this.#renew(this.#state.claim, true);
  }

  holds(token: string): boolean {
    return holderOf(this.#state, token) !== 'nobody';
  }

  async heartbeat(token: string, request: HeartbeatRequest, signal: AbortSignal): Promise<ClaimState> {
    await this.#ready;
    const held = this.#present(token);
    held.leaseSeconds = request?.lease_seconds ?? held.leaseSeconds;
    this.#renew(held, true);
    const wait = Math.min(request?.wait_seconds ?? 0, held.leaseSeconds / 2); // else it is lost while its worker listens
    if (wait > 0 && !this.ctx.signal.aborted) {
      await this.#stopping.wait(wait * 1000, signal);
      this.#renew(this.#present(token), true);
    }
    return this.#claimState(held);
  }

  async events(token: string, events: readonly WorkerEvent[]): Promise<ClaimState> {
    await this.#ready;
    const held = this.#present(token);
    const { output } = this.ctx;
    const steps = readEvents(events, (stream) => output.captured(stream).bytes - held.reported[stream]);
    try {
      for (const step of steps)
        if (step.type === 'progress') output.progress(step.entry);
        else if (step.bytes.length > 0) output.write(step.type, step.bytes, step.phase);
    } catch (error) {
      throw storageError(error);
    }
    this.#renew(held, false);
    return this.#claimState(held);
  }

  async upload(token: string, upload: Upload): Promise<ArtifactFacts> {
    await this.#ready;
    this.#present(token);
    return this.#uploads.keep(upload, () => this.#renew(this.#present(token), false));
  }

  async complete(token: string, completion: Completion): Promise<void> {
    await this.#ready;
    const sha256 = completionHash(completion);
    if (wasTaken(this.#state, token, sha256)) return;
    this.#present(token);
    checkCompletion(completion, this.ctx.invocation, (id) => this.#uploads.has(id));
    const next = { ...this.#state, completion: { sha256, body: completion } };
    writeState(this.ctx.directory, next);
    Object.assign(this.#state, next);
    this.#finish(completionOutcome(completion, this.#uploads.list()));
  }

  /** It ends without a worker's word; what was uploaded is kept. */
  end(outcome: RunnerOutcome): void {
    this.#finish({ ...outcome, artifacts: this.#uploads.list() });
  }

  /** It cannot be run as it was asked for. */
  refuse(error: Error): void {
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
    this.#stopping.wake();
  }

  /** The signal was pressed. A worker that is at it gets the grace to say how it ended; out of time is out of time. */
  #stop(): void {
    if (this.isShut) return;
    const { reason } = this.ctx.signal;
    if (!this.isAccepted || reason.kind === 'timeout') return this.end(stoppedOutcome(this.#state.attempts));
    this.#stopping.wake();
    this.#endIn(reason.graceMs);
  }

  #endIn(ms: number): void {
    if (this.isShut || (this.#grace.due !== null && this.#grace.due <= performance.now() + ms)) return;
    this.#grace.set(ms, () => this.end(stoppedOutcome(this.#state.attempts)));
  }

  /** The claim whose token this is. Throws where it may not report. */
  #present(token: string): HeldClaim {
    if (this.#shut === 'left')
      throw new RunwireError('draining', 'The server is shutting down.', { retryAfterSeconds: 1 });
    return mayReport(this.#state, token, this.#shut === 'over');
  }

  #renew(held: HeldClaim, save: boolean): void {
    const ms = held.leaseSeconds * 1000;
    const first = !held.accepted;
    held.accepted = true;
    this.#extend(held, ms);
    if (save || first || performance.now() - this.#savedAt > ms / 4) this.#save();
  }

  #extend(held: HeldClaim, ms: number): void {
    held.leaseExpiresAt = Date.now() + ms;
    this.#leaseDue = performance.now() + ms;
    const { due } = this.#lease;
    if (held.accepted && (due === null || due > this.#leaseDue)) this.#lease.set(ms, () => this.#lapse());
  }

  /** The lease has ended, unless it was renewed since the timer was set. */
  #lapse(): void {
    const left = this.#leaseDue - performance.now();
    if (left > 0) return this.#lease.set(left, () => this.#lapse());
    const { attempts, claim } = this.#state;
    const last = this.ctx.signal.aborted || attempts >= this.ctx.spec.max_attempts;
    this.#state.claim = null;
    this.#save();
    try {
      if (!last) this.#uploads.discard();
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

  #claimState(held: HeldClaim): ClaimState {
    return {
      lease_expires_at: new Date(held.leaseExpiresAt).toISOString(),
      cancel_requested: this.ctx.signal.aborted,
    };
  }
}
