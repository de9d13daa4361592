import { noteEnding } from '../../src/contract/ending-note.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { takeCallback } from './callback.ts';
import { kickOff } from './kickoff.ts';
import { jobOutcome } from './outcome.ts';
import type { Places } from './places.ts';
import { JobStop } from './stop.ts';
import { endOutput } from './stream-telling.ts';
import type { JobTools } from './tools.ts';
import { watch } from './watch.ts';

/** One run of kind http_async: kickoff, watch, and the end. */
export function runJob(tools: JobTools): Promise<RunnerOutcome> {
  const { ctx } = tools;
  if (ctx.spec.idempotency_header !== undefined) ctx.outlives(); // it may be sent again
  return attend(tools, (stop) => kickOff(tools, stop, { again: false }));
}

/** The life of a job from a start that says where it is to be watched; null: there is nothing to watch. */
export async function attend(
  tools: JobTools,
  start: (stop: JobStop) => Promise<Places | null>,
): Promise<RunnerOutcome> {
  const { ctx, job } = tools;
  const stop = new JobStop(tools);
  ctx.offer({
    callback: async (body) => takeCallback(tools, body),
    hasten: (graceMs) => stop.hasten(graceMs),
  });
  try {
    const places = await start(stop);
    const watching = places && !ctx.signal.aborted ? watch(tools, places) : null;
    const verdict = await job.verdict;
    await watching?.end(verdict);
    endOutput(tools);
    job.endLog();
    const cancelled = verdict.kind === 'aborted' ? await stop.cancel() : null;
    const outcome = jobOutcome(tools, verdict, cancelled);
    // A later server would ask again, and might be told something else, or nothing.
    noteEnding(ctx.output, outcome);
    return outcome;
  } finally {
    stop.close();
  }
}
