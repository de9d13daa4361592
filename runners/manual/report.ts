import type { Report } from '../../src/contract/claims.ts';
import type { ClaimState } from '../../src/documents/claim.ts';
import { toldShortage } from '../../src/documents/errors.ts';
import { checkCompletion, completionHash, wasTaken } from './completion.ts';
import { readEvents } from './reported-events.ts';
import type { ManualRun } from './run.ts';
import { type HeldClaim, type ManualState, mayReport } from './state.ts';

/** What the holder of this token may say of a run that goes on. */
export function reportOn(run: ManualRun, token: string): Report {
  const { output, signal, invocation } = run.ctx;
  const stateOf = (held: HeldClaim): ClaimState => ({
    lease_expires_at: new Date(held.leaseExpiresAt).toISOString(),
    cancel_requested: signal.aborted,
  });
  return {
    async heartbeat(request, gone) {
      await run.ready;
      const held = run.present(token);
      held.leaseSeconds = request?.lease_seconds ?? held.leaseSeconds;
      run.renew(held, true);
      // No longer than half the lease: else it would be lost while its worker listens.
      const wait = Math.min(request?.wait_seconds ?? 0, held.leaseSeconds / 2);
      if (wait > 0 && !signal.aborted) {
        await run.stopping.next({ ms: wait * 1000, signal: gone });
        run.renew(run.present(token), true);
      }
      return stateOf(held);
    },
    async events(events) {
      await run.ready;
      const held = run.present(token);
      const steps = readEvents(events, (stream) => output.captured(stream).bytes - held.reported[stream]);
      try {
        for (const step of steps)
          if (step.type === 'progress') output.acknowledged.progress(step.entry);
          else if (step.bytes.length > 0) output.acknowledged.write(step.type, step.bytes, step.phase);
      } catch (error) {
        throw toldShortage(error);
      }
      run.renew(held, false);
      return stateOf(held);
    },
    async upload(upload) {
      await run.ready;
      run.present(token);
      return run.uploads.keep(upload, () => run.renew(run.present(token), false));
    },
    async complete(completion) {
      await run.ready;
      const sha256 = completionHash(completion);
      if (run.wasTaken(token, sha256)) return;
      run.present(token);
      checkCompletion(completion, invocation, (id) => run.uploads.has(id));
      run.take(completion, sha256);
    },
  };
}

/** What may still be said of a run that is over: the completion that was taken, again. */
export function reportAfter(state: ManualState, token: string): Report {
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
