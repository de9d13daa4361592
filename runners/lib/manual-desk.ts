import type { Claimed, ClaimRequest } from '../../src/claim.ts';
import type { Claims, Report, WorkedRun } from '../../src/claims.ts';
import { completionHash, wasTaken } from './manual-completion.ts';
import type { ManualRun } from './manual-run.ts';
import { holderOf, type ManualState, mayReport, notAToken, readState } from './manual-state.ts';

/** Who waits for a run to come. */
interface Asker {
  request: ClaimRequest;
  resolve(claimed: Claimed | null): void;
  reject(error: unknown): void;
}

/** Where workers come: the runs that wait, in order of acceptance, and those that are being worked on. */
export class ManualDesk implements Claims {
  readonly #runs = new Map<string, ManualRun>();
  #waiting = new Map<string, ManualRun>();
  readonly #askers = new Set<Asker>();
  #closed = false;

  add(run: ManualRun): void {
    this.#runs.set(run.id, run);
  }

  /** To the first who asks for one like it, or among those that wait; one that is given back goes before the others. */
  offer(run: ManualRun, front: boolean): void {
    for (const asker of this.#askers) {
      if (!matches(run, asker.request)) continue;
      this.#askers.delete(asker);
      try {
        return asker.resolve(take(run, asker.request));
      } catch (error) {
        asker.reject(error);
      }
    }
    if (front) this.#waiting = new Map([[run.id, run], ...this.#waiting]);
    else this.#waiting.set(run.id, run);
  }

  remove(run: ManualRun): void {
    this.#waiting.delete(run.id);
    this.#runs.delete(run.id);
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<Claimed | null> {
    for (const run of this.#waiting.values()) {
      if (!matches(run, request)) continue;
      const claimed = take(run, request);
      this.#waiting.delete(run.id);
      return claimed;
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
    return run ? run.holds(token) : holderOf(readState(directory), token) !== 'nobody';
  }

  report(worked: WorkedRun, token: string): Report {
    if (!this.holds(worked, token)) throw notAToken();
    const run = this.#runs.get(worked.id);
    if (!run) return overReport(readState(worked.directory), token);
    return {
      heartbeat: (request, signal) => run.heartbeat(token, request, signal),
      events: (events) => run.events(token, events),
      upload: (upload) => run.upload(token, upload),
      complete: (completion) => run.complete(token, completion),
    };
  }

  /** The server stops: nobody is given anything any more, and what is being worked on is the next server's. */
  close(): void {
    this.#closed = true;
    for (const asker of this.#askers) asker.resolve(null);
    this.#askers.clear();
    for (const run of [...this.#runs.values()]) run.leave();
  }
}

/** What may still be said of a run that is over: the completion that was taken, again. */
function overReport(state: ManualState, token: string): Report {
  const refuse = async (): Promise<never> => {
    mayReport(state, token, true);
    throw new Error('a run that is over takes no report');
  };
  return {
    heartbeat: refuse,
    events: refuse,
    upload: refuse,
    async complete(completion) {
      if (!wasTaken(state, token, completionHash(completion))) await refuse();
    },
  };
}

function matches(run: ManualRun, { runtime_name: name }: ClaimRequest): boolean {
  return name === undefined || run.ctx.invocation.runtime_name === name;
}

function take(run: ManualRun, { worker, lease_seconds: leaseSeconds }: ClaimRequest): Claimed {
  return run.claim({ worker, leaseSeconds, accepted: true });
}
