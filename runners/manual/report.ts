import { setImmediate as turn } from 'node:timers/promises';
import type { Report } from '../../src/contract/claims.ts';
import type { RunContext } from '../../src/contract/context.ts';
import type { ClaimState } from '../../src/documents/claim.ts';
import type { Completion } from '../../src/documents/completion.ts';
import { toldShortage } from '../../src/documents/errors.ts';
import { CHANNELS, SETUP_CHANNELS, STREAMS } from '../../src/documents/stream.ts';
import type { Waiters } from '../../src/platform/waiters.ts';
import { checkCompletion, completionHash, wasTaken } from './completion.ts';
import type { Holding } from './holding.ts';
import { capturedOf, readEvents } from './reported-events.ts';
import { type HeldClaim, type ManualState, mayReport } from './state.ts';
import type { Uploads } from './uploads.ts';

/** Events of which that can be said. */
const MANY = 1000;

/** A run that goes on, of which its worker speaks. */
export interface ReportedRun {
  ctx: Pick<RunContext, 'output' | 'signal' | 'invocation'>;
  /** Settles when what an earlier server wrote has been read: nothing is taken before. */
  ready: Promise<void>;
  uploads: Uploads;
  holding: Holding;
  /** Wakes those who wait for the run to be stopped. */
  stopping: Waiters;
  /** The claim whose token this is. Throws where it may not report. */
  present(token: string): HeldClaim;
  /** The worker's word on how it ended. */
  take(completion: Completion, sha256: string): void;
}

/** What the holder of this token may say of a run that goes on. */
export function reportOn(run: ReportedRun, token: string): Report {
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
      run.holding.renew(held, true);
      // No longer than half the lease: else it would be lost while its worker listens.
      const wait = Math.min(request?.wait_seconds ?? 0, held.leaseSeconds / 2);
      if (wait > 0 && !signal.aborted) {
        await run.stopping.next({ ms: wait * 1000, signal: gone });
        run.holding.renew(run.present(token), true);
      }
      return stateOf(held);
    },
    async events(events) {
      await run.ready;
      // They were just read, which took its time; taking them is one step.
      if (events.length > MANY) await turn();
      const held = run.present(token);
      const steps = readEvents(
        events,
        (stream, phase) => output.channelOf(stream, phase),
        (channel) => capturedOf(output, channel) - (held.reported[channel] ?? 0),
      );
      try {
        for (const step of steps)
          if (step.type === 'progress') output.acknowledged.progress(step.entry);
          else if (step.bytes.length > 0) output.acknowledged.write(step.type, step.bytes, step.phase);
      } catch (error) {
        throw toldShortage(error);
      }
      run.holding.renew(held, false);
      return stateOf(held);
    },
    async upload(upload) {
      await run.ready;
      run.present(token);
      return run.uploads.keep(upload, () => run.holding.renew(run.present(token), false));
    },
    async working() {
      await run.ready;
      const again = (): void => run.holding.renew(run.present(token), false);
      again();
      return again;
    },
    async complete(completion) {
      await run.ready;
      const sha256 = completionHash(completion);
      if (run.holding.wasTaken(token, sha256)) return;
      run.present(token);
      const hasSetup = SETUP_CHANNELS.some((channel) => capturedOf(output, channel) > 0);
      const captured: readonly string[] = hasSetup ? CHANNELS : STREAMS;
      checkCompletion(completion, invocation, (id) => captured.includes(id) || run.uploads.has(id));
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
    working: refuse,
    async complete(completion) {
      if (!wasTaken(state, token, completionHash(completion))) await refuse();
    },
  };
}
