import type Docker from 'dockerode';
import type { RunContext } from '../../src/contract/context.ts';
import type { GivenFile } from '../../src/contract/given.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import { DEFAULT_TERM } from '../../src/documents/terminal.ts';
import { traceOfVariables, withTrace } from '../../src/documents/trace-context.ts';
import { type ContainerPlan, containerOptions } from './container.ts';
import { DaemonGone, daemonWords, statusOf } from './daemon.ts';
import { planGiven } from './given.ts';
import type { ImageFacts } from './image.ts';
import { bindsOf, keepClear } from './mounts.ts';
import { hasFiles, shareFiles } from './sent-files.ts';
import type { DockerSpec } from './spec.ts';
import { wantsStdin } from './stdin.ts';
import type { RunTools } from './tools.ts';
import { openToUser, userOf } from './user.ts';
import { homeOf, insideOf, insideWorkingDirectory, isMounted } from './workspace.ts';

/** The container of a run, made and not started, its user as the engine was told, and what the run is given that is to be put in. Throws Rejected, with the daemon's words, for what it refuses to make. */
export async function createContainer(
  tools: RunTools,
  ctx: RunContext<DockerSpec>,
  image: ImageFacts,
): Promise<{ id: string; user: string; sent: GivenFile[] }> {
  const { plan, sent } = await planContainer(tools, ctx, image);
  return { id: await askFor(tools, ctx, containerOptions(plan)), user: plan.user, sent };
}

/** What a container of the run is made of, and what it is given that is to be put in. What it will have of this machine is there, and its user may write to it. */
export async function planContainer(
  tools: RunTools,
  ctx: RunContext<DockerSpec>,
  image: Pick<ImageFacts, 'user' | 'volumes'>,
): Promise<{ plan: ContainerPlan; sent: GivenFile[] }> {
  const { daemon, identity, mountRoots } = tools;
  const { spec, invocation } = ctx;
  const home = homeOf(ctx);
  const scratch = home === ctx.directory.work;
  const workspace = isMounted(ctx) ? { path: home, scratch } : null;
  const inside = insideOf(ctx);
  const places = tools.places.look(ctx.directory);
  const rules = { roots: mountRoots, places, daemonSocket: daemon.realSocket };
  const binds = bindsOf(spec, workspace, inside.extra, rules);
  const given = await planGiven(daemon, ctx, ctx.session !== null);
  const volume = ctx.workspace === null ? null : spec.workdir;
  if (volume !== null)
    keepClear(
      [...spec.mounts, ...spec.tmpfs].map(({ target }) => target),
      volume,
    );
  const user = userOf({
    asked: spec.user,
    image: image.user,
    workspace,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  });
  if (workspace && hasFiles(ctx)) await shareFiles(home, user);
  if (workspace) openToUser({ home, artifactDirectory: ctx.artifactDirectory }, scratch, user);
  const volumes = [...(volume === null ? [] : [volume]), ...given.volumes];
  const allBinds = [...binds, ...given.binds];
  const taken = new Set([...volumes, ...[...allBinds, ...spec.tmpfs].map(({ target }) => target)]);
  const plan = {
    spec,
    command: invocation.command,
    workingDirectory: insideWorkingDirectory(ctx),
    environment: environmentInside(ctx),
    limits: invocation.options.limits,
    binds: allBinds,
    volumes,
    // Those that the engine makes by itself have no labels: with a container that others remove they would stay.
    imageVolumes: image.volumes.filter((path) => !taken.has(path)),
    user,
    stdin: wantsStdin(ctx),
    maxOutputBytes: ctx.maxOutputBytes,
    invocationId: invocation.invocation_id,
    server: identity.id(),
  };
  return { plan, sent: given.sent };
}

/** What its programs have beside what the image sets. */
export function environmentInside(ctx: RunContext<DockerSpec>): Readonly<Record<string, string>> {
  const { invocation } = ctx;
  const { artifactDirectory } = insideOf(ctx);
  return {
    ...(invocation.options.terminal && { TERM: DEFAULT_TERM }),
    ...withTrace(invocation.environment, traceOfVariables(ctx.environment)),
    RUNWIRE_INVOCATION_ID: invocation.invocation_id,
    ...(artifactDirectory === null ? {} : { RUNWIRE_ARTIFACT_DIR: artifactDirectory }),
  };
}

/** Its id. Throws Rejected, with the daemon's words, for what it refuses to make. */
export async function askFor(
  { daemon, own }: Pick<RunTools, 'daemon' | 'own'>,
  { signal }: Pick<RunContext, 'signal'>,
  options: Docker.ContainerCreateOptions,
): Promise<string> {
  try {
    const { id } = await daemon.ask((docker) => docker.createContainer(options), { signal });
    return id;
  } catch (error) {
    if (error instanceof DaemonGone) own.sweepLater(); // it may have been made
    const status = statusOf(error);
    if (status === 400 || status === 404 || status === 409)
      throw new Rejected(`the container cannot be made: ${daemonWords(error)}`);
    throw error;
  }
}
