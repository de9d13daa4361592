import { posix, relative, resolve } from 'node:path';
import { pack } from 'tar-stream';
import type { RunContext } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import type { SeenRun } from '../../src/contract/runner.ts';
import { optionsOf } from '../../src/documents/options.ts';
import { isInside } from '../../src/platform/inside.ts';
import type { DockerDaemon } from './daemon.ts';
import { placeInside } from './given.ts';
import type { ImageFacts } from './image.ts';
import { type StatInside, statIn } from './inside.ts';
import { type Bind, realOrSelf } from './mounts.ts';
import { DockerSpec } from './spec.ts';

type Context = RunContext<DockerSpec>;

/** Where an artifact directory is that is not under the working directory. */
const ARTIFACTS = '/artifacts';

/** Where the directories of a run are in its container. */
export interface Inside {
  /** Null when the run has none. */
  artifactDirectory: string | null;
  /** Directories of this machine that are mounted beside the workspace. */
  extra: Bind[];
}

/** Is what the run works in mounted, or are its files copied in and out. */
export function isMounted({ workspace, spec }: Pick<Context, 'workspace' | 'spec'>): boolean {
  return workspace === null && (spec.mount_workspace ?? true);
}

/** What is at workdir: the run's own directory where it works in it, else its working directory. */
export function homeOf({
  workingDirectory,
  directory,
}: Pick<Context, 'workingDirectory' | 'directory'>): string {
  return isInside(directory.work, workingDirectory) ? directory.work : workingDirectory;
}

/** The working directory in the container. */
export function insideWorkingDirectory(ctx: Context): string {
  return posix.join(ctx.spec.workdir, relative(homeOf(ctx), ctx.workingDirectory));
}

export function insideOf(ctx: Context): Inside {
  const { spec, artifactDirectory } = ctx;
  if (artifactDirectory === null) return { artifactDirectory: null, extra: [] };
  const working = resolve(homeOf(ctx));
  const artifacts = resolve(artifactDirectory);
  if (isInside(working, artifacts))
    return {
      artifactDirectory: posix.join(spec.workdir, relative(working, artifacts)),
      extra: [],
    };
  const bind = { source: artifactDirectory, target: ARTIFACTS, readOnly: false };
  return { artifactDirectory: ARTIFACTS, extra: isMounted(ctx) ? [bind] : [] };
}

/** Where a place of this machine is in the container of a run that is not parsed yet. Null: nowhere. */
export function seenInside(place: string, run: SeenRun): string | null {
  const { workingDirectory, artifactDirectory, directory, invocation } = run;
  const { data: spec } = DockerSpec.safeParse(optionsOf(invocation.options, 'docker') ?? {});
  if (spec === undefined) return null; // it is refused for that
  const places = [
    { source: homeOf({ workingDirectory, directory }), target: spec.workdir },
    ...(artifactDirectory === null ? [] : [{ source: artifactDirectory, target: ARTIFACTS }]),
    ...spec.mounts,
  ];
  const found = places.find(({ source }) => isInside(source, place));
  return found === undefined ? null : posix.join(found.target, relative(found.source, place));
}

/** Where what is collected was in the container. Null: in itself; it is copied out. */
export function mountsOf(ctx: Context): { inside: string; source: string | null }[] | null {
  const { spec } = ctx;
  const home = { source: homeOf(ctx), target: spec.workdir };
  // Of this machine it has nothing else than what was copied.
  if (ctx.workspace !== null) return [{ inside: home.target, source: realOrSelf(home.source) }];
  if (!isMounted(ctx)) return null;
  const binds = [
    home,
    ...insideOf(ctx).extra,
    ...spec.mounts.map(({ source, target }) => ({ source, target })),
  ];
  return [
    ...binds.map(({ source, target }) => ({ inside: target, source: realOrSelf(source) })),
    ...spec.tmpfs.map(({ target }) => ({ inside: target, source: null })),
    ...ctx.given.map((one) => ({ inside: placeInside(one), source: null })),
  ];
}

/**
 * Without a mounted workspace, the directories a program expects are made in the container itself, for any user to
 * write to. The image's own working directory stays as the image has it.
 */
export async function makeDirectories(
  daemon: DockerDaemon,
  id: string,
  image: Pick<ImageFacts, 'workdir'>,
  ctx: Context,
): Promise<void> {
  const { spec, invocation } = ctx;
  if (isMounted(ctx)) return;
  if (ctx.workspace !== null) {
    if (spec.read_only)
      throw new Rejected(
        'a workspace cannot be copied into a container with a read-only root: mount_workspace',
      );
    return;
  }
  const { artifactDirectory } = insideOf(ctx);
  if (spec.read_only) {
    const { artifacts, outputs } = invocation.options;
    if (artifactDirectory !== null || artifacts !== undefined || outputs !== undefined)
      throw new Rejected('artifacts of a container with a read-only root need mount_workspace');
    return;
  }
  const wanted = new Set(spec.workdir === image.workdir ? [] : [spec.workdir]);
  if (artifactDirectory !== null) wanted.add(artifactDirectory);
  const missing: string[] = [];
  for (const path of wanted) if (!isOpen(await statIn(daemon, id, path))) missing.push(path);
  if (missing.length === 0) return;
  const tar = await packDirectories(missing);
  await daemon.ask((docker) => docker.getContainer(id).putArchive(tar, { path: '/' }));
}

/**
 * A tar of directories that everybody in the container may write to, for its user need not have a number that is known
 * outside. Parents that are not named are left to the daemon.
 */
async function packDirectories(paths: readonly string[]): Promise<Buffer> {
  const tar = pack();
  for (const path of paths) tar.entry({ name: `${path.slice(1)}/`, type: 'directory', mode: 0o777 });
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Is there a directory that everybody may write to. */
function isOpen(stat: StatInside | null): boolean {
  return stat !== null && (stat.mode & 0o002) !== 0;
}
