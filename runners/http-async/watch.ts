import { messageOf } from '../../src/platform/error-words.ts';
import { nap } from '../../src/platform/timer.ts';
import { follow } from './follow.ts';
import type { Verdict } from './job.ts';
import type { Places } from './places.ts';
import { poll } from './poll.ts';
import { fail, type JobTools } from './tools.ts';

/** A stream is read on after the end of its job until it ends, is quiet for so long, or goes on for too long. */
const DRAIN_QUIET_MS = 250;
const DRAIN_MOST_MS = 5000;

export interface Watch {
  /** The job is over: ask no more, take what its stream still brings, and be done. */
  end(verdict: Verdict): Promise<void>;
}

/** Poll, and follow the stream. What they learn is told to the job, also that there is nothing to be learnt. */
export function watch(tools: JobTools, places: Places): Watch {
  const { ctx, backend, job, redact } = tools;
  const { spec, signal } = ctx;
  /** Aborts when there is a verdict: nothing more is asked. */
  const enough = new AbortController();
  /** Aborts when nothing more of the stream is wanted. */
  const streamOver = new AbortController();
  const goesOn = (): void => ctx.goesOn();
  const guarded = (watcher: Promise<void>): Promise<void> =>
    watcher.catch((error: unknown) => fail(tools, messageOf(error)));
  const alone = places.poll === null && !places.callback;
  if (alone && places.stream === null)
    fail(
      tools,
      spec.callback === undefined
        ? 'the kickoff named no address to poll: no http.poll_url_template and no Location header'
        : 'the kickoff was redirected to where the callback address does not go, and named no address to poll',
    );
  const bears = (message: string, inARow: number): void =>
    ctx.output.progress({ message: `${message}: asked again`, data: { transient: inARow } });
  const pollPlan = places.poll && { ...places.poll, spec, redact, goesOn, bears };
  const streamPlan = places.stream && { ...places.stream, alone, enough: enough.signal };
  const polled = pollPlan && guarded(poll(job, backend, pollPlan, enough.signal));
  const streamed = streamPlan && guarded(follow(tools, streamPlan, streamOver.signal));

  /** The job is over; what it wrote last may still be on its way. */
  async function drain(stream: Promise<void>): Promise<void> {
    let ended = false;
    void stream.then(() => {
      ended = true;
    });
    const begin = performance.now();
    const quiet = (): number => performance.now() - Math.max(begin, job.streamedAt);
    while (!ended && quiet() < DRAIN_QUIET_MS && performance.now() - begin < DRAIN_MOST_MS && !signal.aborted)
      await Promise.race([stream, nap(DRAIN_QUIET_MS - quiet(), signal)]);
  }

  return {
    async end(verdict) {
      enough.abort();
      if (verdict.kind === 'terminal' && streamed !== null) await drain(streamed);
      streamOver.abort();
      await Promise.all([polled, streamed]);
    },
  };
}
