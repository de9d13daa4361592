import type { RunContext } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import { containerOptions } from './container.ts';
import { DaemonGone, daemonWords, statusOf } from './daemon.ts';
import type { ImageFacts } from './image.ts';
import { bindsOf, keepClear } from './mounts.ts';
import { hasFiles, shareFiles } from './sent-files.ts';
import type { DockerSpec } from './spec.ts';
import { wantsStdin } from './stdin.ts';
import type { RunTools } from './tools.ts';
import { openToUser, userOf } from './user.ts';
import { homeOf, insideOf, insideWorkingDirectory, isMounted } from './workspace.ts';

/** The container of a run, made and not started, and its user as the engine was told. Throws Rejected, with the daemon's words, for what it refuses to make. */
export async function createContainer(
  tools: RunTools,
  ctx: RunContext<DockerSpec>,
  image: ImageFacts,
): Promise<{ id: string; user: string }> {
  const { daemon, identity, own, mountRoots } = tools;
  const { spec, invocation } = ctx;
  const home = homeOf(ctx);
  const scratch = home === ctx.directory.work;
  const workspace = isMounted(ctx) ? { path: home, scratch } : null;
  const inside = insideOf(ctx);
  const places = tools.places.look(ctx.directory);
  const rules = { roots: mountRoots, places, daemonSocket: daemon.realSocket };
  const binds = bindsOf(spec, workspace, inside.extra, rules);
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
  const traceparent = ctx.environment.TRACEPARENT;
  const options = containerOptions({
    spec,
    command: invocation.command,
    workingDirectory: insideWorkingDirectory(ctx),
    environment: {
      ...invocation.environment,
      RUNWIRE_INVOCATION_ID: invocation.invocation_id,
      ...(inside.artifactDirectory === null ? {} : { RUNWIRE_ARTIFACT_DIR: inside.artifactDirectory }),
      ...(traceparent === undefined ? {} : { TRACEPARENT: traceparent }),
    },
    limits: invocation.options.limits,
    binds,
    volume,
    user,
    stdin: wantsStdin(ctx),
    maxOutputBytes: ctx.maxOutputBytes,
    invocationId: invocation.invocation_id,
    server: identity.id(),
  });
  try {
    const { id } = await daemon.ask((docker) => docker.createContainer(options), { signal: ctx.signal });
    return { id, user };
  } catch (error) {
    if (error instanceof DaemonGone) own.sweepLater(); // it may have been made
    const status = statusOf(error);
    if (status === 400 || status === 404 || status === 409)
      throw new Rejected(`the container cannot be made: ${daemonWords(error)}`);
    throw error;
  }
}
