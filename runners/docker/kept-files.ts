import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { copyArtifacts } from './copy-artifacts.ts';
import { daemonWords, statusOf } from './daemon.ts';
import type { Sequenced } from './kept-sequence.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';
import { isMounted } from './workspace.ts';
import { type Brought, bringBack } from './workspace-copy.ts';

/** What is in a container of a run that has nothing of this machine mounted: copied out once nothing changes it any more. */
export async function takeFiles(
  tools: RunTools,
  ctx: RunContext<DockerSpec>,
  id: string,
  { outcome, container }: Sequenced,
): Promise<RunnerOutcome> {
  if (isMounted(ctx)) return outcome;
  const trouble =
    container === 'gone' ? (outcome.errorSummary ?? 'its container is gone') : await halt(tools, id);
  if (trouble !== null) return withFailure(outcome, ctx.workspace === null ? null : trouble);
  const copied = await copyArtifacts(tools, id, ctx);
  const brought: Brought | null =
    ctx.workspace === null || !outcome.started ? null : await bringBack(tools, id, ctx);
  const omitted = [...copied.omitted, ...(brought?.omitted ?? [])];
  const outputs = copied.outputs && { outputs: copied.outputs };
  return withFailure(
    { ...outcome, ...(omitted.length > 0 && { omitted }), ...outputs },
    brought?.failure ?? null,
  );
}

/** What its setup left runs until then. Null, or why it cannot be. */
async function halt({ daemon }: RunTools, id: string): Promise<string | null> {
  try {
    await daemon.ask((docker) => docker.getContainer(id).kill({ signal: 'SIGKILL' }));
    return null;
  } catch (error) {
    return statusOf(error) === 409 || statusOf(error) === 404 ? null : daemonWords(error);
  }
}

/** Who relies on what it made must not take it for done. */
function withFailure(outcome: RunnerOutcome, failure: string | null): RunnerOutcome {
  if (failure === null) return outcome;
  return {
    ...outcome,
    success: false,
    notes: [`the files of the workspace could not be brought back, it is as it was before: ${failure}`],
  };
}
