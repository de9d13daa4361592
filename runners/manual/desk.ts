import type { Claims, Report, WorkedRun } from '../../src/contract/claims.ts';
import type { Claimed, ClaimRequest } from '../../src/documents/claim.ts';
import { Line } from '../../src/platform/line.ts';
import { reportAfter } from './report.ts';
import { holderOf, notAToken, readPastState } from './state.ts';

/** A run as the desk knows it. */
export interface DeskRun {
  readonly id: string;
  readonly runtimeName: string;
  /** Settles when it is known whether it waits. */
  readonly ready: Promise<void>;
  /** It has no worker, and may be given to one. */
  readonly isWaiting: boolean;
  /** Throws RunwireError insufficient_storage: then it waits on. */
  claim(request: { worker?: string | undefined; leaseSeconds?: number | undefined; accepted: true }): Claimed;
  /** The claim of this token never reached anybody. */
  takeBack(token: string): void;
  /** Is this the token of a claim of the run, present or past. */
  holds(token: string): boolean;
  /** What the holder of this token may say. */
  report(token: string): Report;
  /** The server stops and leaves it to the next one. */
  leave(): void;
}

/** Who waits for a run to come. */
interface Asker {
  request: ClaimRequest;
  resolve(claimed: Claimed | null): void;
  reject(error: unknown): void;
}

/** Where workers come: the runs that wait, in order of acceptance, and those that are being worked on. */
export class ManualDesk implements Claims {
  readonly #runs = new Map<string, DeskRun>();
  readonly #waiting = new Line<DeskRun>();
  readonly #askers = new Set<Asker>();
  #closed = false;

  add(run: DeskRun): void {
    this.#runs.set(run.id, run);
  }

  /** It may turn out to wait: nobody gets a later one before that is known. */
  expect(run: DeskRun): void {
    this.#waiting.add(run);
  }

  /** To the first who asks for one like it, or among those that wait; one that is given back goes before the others. */
  offer(run: DeskRun, front: boolean): void {
    for (const asker of this.#askers) {
      if (!matches(run, asker.request)) continue;
      this.#askers.delete(asker);
      try {
        return asker.resolve(take(run, asker.request));
      } catch (error) {
        asker.reject(error);
      }
    }
    if (front) this.#waiting.putFirst(run);
    else this.#waiting.add(run);
  }

  remove(run: DeskRun): void {
    this.#waiting.delete(run);
    this.#runs.delete(run.id);
  }

  /** 1 is the next, and what is not given to those who come here. */
  placeOf(run: DeskRun): number {
    return this.#waiting.placeOf(run) ?? 1;
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<Claimed | null> {
    for (let run = this.#oldest(request); run; run = this.#oldest(request)) {
      await run.ready.catch(() => {}); // it has ended with that
      if (!this.#waiting.has(run)) continue;
      if (!run.isWaiting) this.#waiting.delete(run);
      else if (signal.aborted) return null;
      else {
        const claimed = take(run, request);
        this.#waiting.delete(run);
        return claimed;
      }
    }
    const ms = (request.wait_seconds ?? 0) * 1000;
    if (ms === 0 || signal.aborted || this.#closed) return null;
    const { promise, resolve, reject } = Promise.withResolvers<Claimed | null>();
    const asker: Asker = { request, resolve, reject };
    this.#askers.add(asker);
    const giveUp = (): void => {
      if (this.#askers.delete(asker)) resolve(null);
    };
    const timer = setTimeout(giveUp, ms);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  giveBack({ invocation, claim }: Claimed): void {
    this.#runs.get(invocation.invocation_id)?.takeBack(claim.token);
  }

  holds({ id, directory }: WorkedRun, token: string): boolean {
    const run = this.#runs.get(id);
    return run ? run.holds(token) : holderOf(readPastState(directory), token) !== 'nobody';
  }

  report(worked: WorkedRun, token: string): Report {
    if (!this.holds(worked, token)) throw notAToken();
    const run = this.#runs.get(worked.id);
    return run ? run.report(token) : reportAfter(readPastState(worked.directory), token);
  }

  #oldest(request: ClaimRequest): DeskRun | undefined {
    for (const run of this.#waiting) if (matches(run, request)) return run;
    return undefined;
  }

  /** The server stops: nobody is given anything any more, and what is being worked on is the next server's. */
  close(): void {
    this.#closed = true;
    for (const asker of this.#askers) asker.resolve(null);
    this.#askers.clear();
    for (const run of [...this.#runs.values()]) run.leave();
  }
}

function matches(run: DeskRun, { runtime_name: name }: ClaimRequest): boolean {
  return name === undefined || run.runtimeName === name;
}

function take(run: DeskRun, { worker, lease_seconds: leaseSeconds }: ClaimRequest): Claimed {
  return run.claim({ worker, leaseSeconds, accepted: true });
}
