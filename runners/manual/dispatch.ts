import type { RunContext } from '../../src/contract/context.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Claimed } from '../../src/documents/claim.ts';
import type { FailureReason } from '../../src/documents/failure.ts';
import { type Backoff, backoffMs } from '../../src/platform/backoff.ts';
import { codeOf, messageOf } from '../../src/platform/error-words.ts';
import { retryAfterMs } from '../../src/platform/retry-after.ts';
import { within } from '../../src/platform/timer.ts';
import type { Waiters } from '../../src/platform/waiters.ts';
import type { PostClaim } from './post.ts';
import type { ManualSpec } from './spec.ts';

/** A run that is to be given to a worker. */
export interface DispatchedRun {
  /** Throws RunwireError insufficient_storage. */
  claim(request: { worker: string; accepted: false; base: string }): Claimed;
  /** The run is over, or left to the next server. */
  readonly isShut: boolean;
  /** The worker was heard of. */
  readonly isAccepted: boolean;
  /** Who waits until the run is to be stopped, or is over. */
  readonly stopping: Waiters;
  /** The worker is known to have its claim, and the lease runs from now. */
  accept(): void;
  /** It ends without a worker's word. */
  end(outcome: RunnerOutcome): void;
  refuse(error: Rejected): void;
}

export interface DispatchSchedule extends Backoff {
  tries: number;
  /** For one try. */
  timeoutMs: number;
  /** A worker's Retry-After is obeyed so far. */
  longestAskedMs: number;
}

export const DISPATCH_SCHEDULE: DispatchSchedule = {
  tries: 8,
  firstMs: 1000,
  factor: 2,
  maxMs: 60_000,
  jitter: 0,
  timeoutMs: 15_000,
  longestAskedMs: 24 * 3_600_000,
};

export type DispatchContext = Pick<RunContext<ManualSpec>, 'spec' | 'signal' | 'callbackUrl'>;

/** Nothing left this machine, or nothing there took it. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ADDRESS_DENIED',
]);
/** Answers that may be another one a little later. */
const PASSING = new Set([408, 425, 429]);

interface Try {
  /** The worker has it. */
  taken: boolean;
  /** Trying again is of no use. */
  final: boolean;
  /** The worker provably did not begin. */
  untouched: boolean;
  words: string;
  retryAfter?: readonly string[] | undefined;
}

/**
 * Give a run to the worker at its dispatch_url: the claim is POSTed until it is taken (2xx, or the worker
 * is heard of), refused (another 4xx), or the tries are used up. Settles the run in the last two cases.
 */
export async function dispatchRun(
  ctx: DispatchContext,
  run: DispatchedRun,
  post: PostClaim,
  schedule: DispatchSchedule,
): Promise<void> {
  const { spec } = ctx;
  const url = spec.dispatch_url ?? '';
  const { host } = new URL(url);
  let claimed: Claimed;
  try {
    const address = ctx.callbackUrl();
    const base = address.slice(0, address.lastIndexOf('/invocations/'));
    claimed = run.claim({ worker: host, accepted: false, base });
  } catch (error) {
    return run.end(
      undelivered(host, `the claim could not be stored: ${messageOf(error)}`, {
        untouched: true,
        failure: 'shortage',
      }),
    );
  }
  let untouched = claimed.claim.attempt === 1;
  let words = '';
  let failure: FailureReason | undefined;
  for (let tries = 1; tries <= schedule.tries; tries++) {
    const attempt = await tryOnce(ctx, run, post, { url, host, claimed, timeoutMs: schedule.timeoutMs });
    if (run.isShut) return;
    if (attempt.taken || run.isAccepted) return run.accept();
    untouched &&= attempt.untouched;
    words = attempt.words;
    failure = attempt.final ? 'status' : 'unavailable';
    if (attempt.final || tries === schedule.tries) break;
    const asked = retryAfterMs(attempt.retryAfter, schedule.longestAskedMs);
    await run.stopping.next({ ms: Math.max(backoffMs(schedule, tries - 1), asked) });
    if (run.isShut || run.isAccepted) return;
  }
  run.end(undelivered(host, words, { untouched, failure: untouched ? failure : 'lost' }));
}

async function tryOnce(
  ctx: DispatchContext,
  run: DispatchedRun,
  post: PostClaim,
  { url, host, claimed, timeoutMs }: { url: string; host: string; claimed: Claimed; timeoutMs: number },
): Promise<Try> {
  const { claim } = claimed;
  const { lease_seconds: leaseSeconds, dispatch_secret: secret = null } = ctx.spec;
  const lease_expires_at = new Date(Date.now() + leaseSeconds * 1000).toISOString();
  const { signal, done } = within(timeoutMs, ctx.signal);
  try {
    const { status, retryAfter } = await post({
      url,
      messageId: `dispatch ${claimed.invocation.invocation_id} ${claim.token}`,
      secret,
      body: JSON.stringify({ ...claimed, claim: { ...claim, lease_expires_at } }),
      signal,
    });
    const refused = status >= 300 && status < 500 && !PASSING.has(status);
    return {
      taken: status >= 200 && status < 300,
      final: refused,
      untouched: refused || PASSING.has(status),
      words: `${host} answered ${status}`,
      retryAfter,
    };
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code === 'ADDRESS_DENIED')
      run.refuse(new Rejected(`options.manual.dispatch_url: ${messageOf(error)}`));
    return {
      taken: false,
      final: false,
      untouched: NEVER_SENT.has(code),
      words: code === '' ? `${host} gave no answer` : `${host}: ${code}`,
    };
  } finally {
    done();
  }
}

function undelivered(
  host: string,
  words: string,
  { untouched, failure }: { untouched: boolean; failure: FailureReason | undefined },
): RunnerOutcome {
  return {
    failure,
    ended: untouched ? ('never_started' as const) : ('lost' as const),
    started: !untouched,
    retrySafe: untouched,
    exitCode: null,
    success: false,
    errorSummary: `the run could not be given to the worker at ${host}: ${words}`,
  };
}
