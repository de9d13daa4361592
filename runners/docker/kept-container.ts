import type Docker from 'dockerode';
import type { RunContext } from '../../src/contract/context.ts';
import type { GivenFile } from '../../src/contract/given.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import { type ContainerPlan, containerOptions, volumeAt } from './container.ts';
import type { KeptContainer } from './container-record.ts';
import { askFor, planContainer } from './create.ts';
import { sendGiven } from './given.ts';
import type { ImageFacts } from './image.ts';
import { KEEPER_DIRECTORY } from './keeper/binary.ts';
import { INIT } from './keeper/words.ts';
import { keeperFor, putKeeper } from './kept-keeper.ts';
import { keepClear } from './mounts.ts';
import { copyIn } from './sent-files.ts';
import { FACTS_LABEL, GENERATION_LABEL, INVOCATION_LABEL, SESSION_LABEL } from './server-identity.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';
import { makeDirectories } from './workspace.ts';
import { copyWorkspaceIn } from './workspace-copy.ts';

type Context = RunContext<DockerSpec>;

/** Processes beside those of the run: the first one, and for each program a keeper, its two helpers and who feeds it. */
const OWN_PROCESSES = 12;

/** Made and not started. Throws Rejected for what cannot be had. */
export async function makeKept(
  tools: RunTools,
  ctx: Context,
  image: ImageFacts,
): Promise<{ container: KeptContainer; sent: GivenFile[] }> {
  keeperFor(image);
  keepClear(placesOf(ctx.spec), KEEPER_DIRECTORY, 'what the server puts in');
  const { plan, sent } = await planContainer(tools, ctx, image);
  const { entrypoint, command } = image;
  const facts = {
    ...{ image: image.id, user: plan.user, entrypoint: [...entrypoint], command: [...command] },
    keepsLate: true,
    terminals: true,
    ...(ctx.session !== null && { given: lastingOf(ctx.given) }),
  };
  const id = await askFor(tools, ctx, keptOptions(plan, ctx, facts));
  return { container: { id, ...facts }, sent };
}

/** What is to be in it before it is started. */
export async function fillKept(
  tools: RunTools,
  ctx: Context,
  image: ImageFacts,
  { container: { id, user }, sent }: { container: KeptContainer; sent: readonly GivenFile[] },
): Promise<void> {
  const { daemon } = tools;
  await putKeeper(daemon, id, keeperFor(image));
  await makeDirectories(daemon, id, image, ctx);
  if (ctx.workspace === null) await copyIn(daemon, id, ctx);
  else await copyWorkspaceIn(tools, { id, user }, ctx);
  await sendGiven(daemon, id, sent, ctx);
}

/** What stays for all runs of a session: nobody changes it. */
function lastingOf(given: readonly GivenFile[]): Record<string, string> {
  return Object.fromEntries(
    given.flatMap(({ path, writable, digest }) => (writable || digest === null ? [] : [[path, digest]])),
  );
}

/** argv as the engine composes it for a container of its own. Throws Rejected where it is empty. */
export function argvIn(
  { entrypoint, command: usual }: { entrypoint: readonly string[]; command: readonly string[] },
  { spec, invocation: { command } }: Pick<Context, 'spec' | 'invocation'>,
): readonly string[] {
  const argv =
    spec.entrypoint === undefined
      ? [...entrypoint, ...(command.length === 0 ? usual : command)]
      : [...spec.entrypoint, ...command];
  if (argv.length > 0) return argv;
  throw new Rejected('there is no command: neither the invocation nor the image says one');
}

function keptOptions(
  plan: ContainerPlan,
  { session }: Context,
  facts: Omit<KeptContainer, 'id'>,
): Docker.ContainerCreateOptions {
  const { HostConfig: host, Labels: labels = {}, ...options } = containerOptions(plan);
  const { [INVOCATION_LABEL]: invocation = '', ...others } = labels;
  const owner: Record<string, string> =
    session === null
      ? { [INVOCATION_LABEL]: invocation }
      : { [SESSION_LABEL]: session.id, [GENERATION_LABEL]: String(session.generation) };
  const ownLabels = { ...others, ...owner };
  return {
    ...options,
    Entrypoint: [...INIT],
    Cmd: [],
    // What programs have is given to each of them.
    Env: [],
    Labels: { ...ownLabels, [FACTS_LABEL]: JSON.stringify(facts) },
    AttachStdin: false,
    OpenStdin: false,
    StdinOnce: false,
    AttachStdout: false,
    AttachStderr: false,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...host,
      Init: false,
      PidsLimit: (host?.PidsLimit ?? 0) + OWN_PROCESSES,
      // Those of a program hold for it and not for who keeps it.
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      Mounts: [volumeAt(KEEPER_DIRECTORY, ownLabels), ...(host?.Mounts ?? []).map(labelled(ownLabels))],
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}

/** A volume is whose the container is. */
const labelled =
  (labels: Record<string, string>) =>
  (mount: Docker.MountSettings): Docker.MountSettings =>
    mount.Type === 'volume' && mount.Source === ''
      ? volumeAt(mount.Target, labels, { filled: mount.VolumeOptions?.NoCopy === false })
      : mount;

const placesOf = ({ mounts, tmpfs, workdir }: DockerSpec): string[] => [
  workdir,
  ...[...mounts, ...tmpfs].map(({ target }) => target),
];
