import type { RunContext } from '../../src/contract/context.ts';
import type { Claimed } from '../../src/documents/claim.ts';
import type { Completion } from '../../src/documents/completion.ts';
import { toldShortage } from '../../src/documents/errors.ts';
import type { Channel } from '../../src/documents/stream.ts';
import { isInside } from '../../src/platform/inside.ts';
import { claimDocument } from './claim-document.ts';
import { wasTaken } from './completion.ts';
import { Lease } from './lease.ts';
import { capturedOf } from './reported-events.ts';
import type { ManualSpec } from './spec.ts';
import { type HeldClaim, holderOf, type ManualState, mayReport, withClaim, writeState } from './state.ts';

/** A restart of the server is no fault of the worker: it has so long to be heard again. */
const RESTART_PATIENCE_MS = 15_000;

export interface ClaimFacts {
  worker?: string | undefined;
  leaseSeconds?: number | undefined;
  /** Who is given it has asked for it, so that the lease runs. */
  accepted: boolean;
  /** See claimDocument. */
  base?: string;
}

/** Who holds a run: nobody, or a worker by a claim, as long as its lease. What a worker is told is in a file before. */
export class Holding {
  readonly #ctx: RunContext<ManualSpec>;
  readonly #state: ManualState;
  readonly #lease: Lease;
  #savedAt = 0;

  /** `onLapse`: the worker was not heard of until the end of its lease, and holds it no more. */
  constructor(ctx: RunContext<ManualSpec>, state: ManualState, onLapse: (worker: string | null) => void) {
    this.#ctx = ctx;
    this.#state = state;
    this.#lease = new Lease(() => {
      const worker = this.#state.claim?.worker ?? null;
      this.#state.claim = null;
      this.#save();
      onLapse(worker);
    });
  }

  get isFree(): boolean {
    return this.#state.claim === null;
  }

  /** A worker has the claim and was heard of. */
  get isAccepted(): boolean {
    return this.#state.claim?.accepted === true;
  }

  /** Claims that were handed out, and that reached somebody. */
  get attempts(): number {
    return this.#state.attempts;
  }

  /** Was it ever claimed. */
  get wasClaimed(): boolean {
    return this.#state.tokens.length > 0;
  }

  /** The last word of a worker, once there is one. */
  get completion(): Completion | null {
    return this.#state.completion?.body ?? null;
  }

  /** The lease of an earlier server goes on; a claim that it may not have delivered does not count. */
  resume(): void {
    const { claim } = this.#state;
    if (claim?.accepted) {
      const patience = Math.min(RESTART_PATIENCE_MS, claim.leaseSeconds * 1000);
      const left = Math.min(claim.leaseExpiresAt - Date.now(), claim.leaseSeconds * 1000);
      this.#lease.extend(claim, Math.max(patience, left));
    } else if (claim) this.forget();
  }

  /** Hand it out. Throws RunwireError insufficient_storage, and nothing is handed out then. */
  give(request: ClaimFacts): Claimed {
    const { spec, output, directory, invocation, workingDirectory } = this.#ctx;
    const { worker = null, leaseSeconds = spec.lease_seconds, accepted, base = '' } = request;
    const bytes = (channel: Channel): number => capturedOf(output, channel);
    const reported = {
      ...{ stdout: bytes('stdout'), stderr: bytes('stderr') },
      ...{ setup_stdout: bytes('setup_stdout'), setup_stderr: bytes('setup_stderr') },
    };
    const facts = { worker, leaseSeconds, accepted, reported };
    const { token, attempt, held, next } = withClaim(this.#state, facts);
    writeState(directory, next);
    Object.assign(this.#state, next);
    try {
      output.acknowledged.progress({ message: 'claimed', data: { attempt, worker } });
    } catch (error) {
      this.forget();
      throw toldShortage(error);
    }
    this.#lease.extend(held, leaseSeconds * 1000);
    const { leaseExpiresAt } = held;
    const files = isInside(directory.work, workingDirectory);
    return claimDocument(invocation, base, { token, attempt, leaseExpiresAt, files });
  }

  /** The claim reached nobody: it does not count. */
  forget(): void {
    this.#lease.clear();
    this.#state.claim = null;
    this.#state.attempts--;
    this.#save();
  }

  /** The worker is known to have its claim, and the lease runs from now. */
  accept(): void {
    if (this.#state.claim) this.renew(this.#state.claim, true);
  }

  /** The worker was heard of. `save`: its new lease is to survive a crash; else now and then. */
  renew(held: HeldClaim, save: boolean): void {
    const ms = held.leaseSeconds * 1000;
    const first = !held.accepted;
    held.accepted = true;
    this.#lease.extend(held, ms);
    if (save || first || performance.now() - this.#savedAt > ms / 4) this.#save();
  }

  /** Is this the token of a claim of this run, present or past. */
  knows(token: string): boolean {
    return holderOf(this.#state, token) !== 'nobody';
  }

  isPresent(token: string): boolean {
    return holderOf(this.#state, token) === 'present';
  }

  /** The claim whose token this is. Throws where it may not report. */
  present(token: string, isOver: boolean): HeldClaim {
    return mayReport(this.#state, token, isOver);
  }

  /** Throws completion_conflict when another one was taken. */
  wasTaken(token: string, sha256: string): boolean {
    return wasTaken(this.#state, token, sha256);
  }

  /** The worker's word on how it ended; a crash cannot forget it. */
  take(completion: Completion, sha256: string): void {
    const next = { ...this.#state, completion: { sha256, body: completion } };
    writeState(this.#ctx.directory, next);
    Object.assign(this.#state, next);
  }

  /** No lease runs any more. */
  close(): void {
    this.#lease.clear();
  }

  /** What a crash may forget without harm: a renewed lease, a lost claim. */
  #save(): void {
    this.#savedAt = performance.now();
    try {
      writeState(this.#ctx.directory, this.#state);
    } catch {
      // A full disk: the file holds an earlier lease.
    }
  }
}
