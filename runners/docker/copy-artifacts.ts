import { compileGlobs, startOf } from '../../src/artifacts/glob.ts';
import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { PrivatePlaces } from '../../src/disk/private-places.ts';
import type { ArtifactCaps, Omitted } from '../../src/documents/artifact.ts';
import { CopyOut } from './copy-out.ts';
import { copyOutputs } from './copy-outputs.ts';
import type { DockerDaemon } from './daemon.ts';
import type { DockerSpec } from './spec.ts';
import { insideOf, isMounted } from './workspace.ts';

interface CopyTools {
  daemon: DockerDaemon;
  artifactCaps: ArtifactCaps;
  places: PrivatePlaces;
}

/** What came out of an ended container, and what was left out. */
export interface CopiedArtifacts extends Pick<RunnerOutcome, 'outputs'> {
  omitted: Omitted[];
}

/** Copy what was asked for out of an ended container. */
export async function copyArtifacts(
  { daemon, artifactCaps, places }: CopyTools,
  id: string,
  ctx: RunContext<DockerSpec>,
): Promise<CopiedArtifacts> {
  const { spec, invocation, workingDirectory } = ctx;
  if (isMounted(ctx) || ctx.workspace !== null) return { omitted: [] };
  const brought =
    invocation.options.outputs === undefined
      ? { omitted: [] }
      : await copyOutputs({ daemon, artifactCaps }, id, ctx);
  const copying = new CopyOut(artifactCaps, places.look(ctx.directory));
  const { artifactDirectory } = insideOf(ctx);
  if (artifactDirectory !== null && ctx.artifactDirectory !== null)
    await copying.copy({ daemon, id, from: artifactDirectory, to: ctx.artifactDirectory, globs: null });
  // The collection says what is wrong with those that are none.
  const globs = compileGlobs(invocation.options.artifacts ?? [], () => {});
  if (globs.length > 0)
    await copying.copy({ daemon, id, from: spec.workdir, to: workingDirectory, globs: startOf(globs) });
  return { ...brought, omitted: [...brought.omitted, ...copying.omitted] };
}

/** What is at its paths on this machine is not of a container that has nothing mounted, whatever became of that. */
export function withOwnOutputs(outcome: RunnerOutcome, ctx: RunContext<DockerSpec>): RunnerOutcome {
  const { outputs: declared = [] } = ctx.invocation.options;
  if (isMounted(ctx) || ctx.workspace !== null || outcome.outputs !== undefined) return outcome;
  const reason = 'was not copied out of its container';
  const outputs = declared.map(({ id }) => ({ id, place: null, reason }));
  return outputs.length === 0 ? outcome : { ...outcome, outputs };
}
