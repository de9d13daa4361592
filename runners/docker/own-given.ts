import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { KeptContainer } from './container-record.ts';
import { daemonWords } from './daemon.ts';
import { ABORTED_BEFORE, neverStarted } from './outcome.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

/** What the run has of its own is in the container of its session. Null: it is; else nothing was begun. */
export async function bringOwn(
  tools: Pick<RunTools, 'visiting'>,
  ctx: Context,
  container: KeptContainer,
): Promise<RunnerOutcome | null> {
  try {
    const why = await tools.visiting.bring(ctx, container);
    if (why !== '') return neverStarted(why);
    if (!ctx.signal.aborted) return null;
  } catch (error) {
    return withoutOwn(tools, ctx, container, neverStarted(daemonWords(error)));
  }
  return withoutOwn(tools, ctx, container, neverStarted(ABORTED_BEFORE));
}

/** It is taken away before the result is stored. */
export async function withoutOwn(
  { visiting }: Pick<RunTools, 'visiting'>,
  ctx: Context,
  container: KeptContainer,
  outcome: RunnerOutcome,
): Promise<RunnerOutcome> {
  const still = await visiting.takeAway(ctx, container);
  return still === null ? outcome : { ...outcome, notes: [...(outcome.notes ?? []), still] };
}
