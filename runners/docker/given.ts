import { Readable } from 'node:stream';
import type { RunContext } from '../../src/contract/context.ts';
import type { GivenFile } from '../../src/contract/given.ts';
import { kept } from '../../src/files/blocks.ts';
import { emptyFile, oneFileTar } from '../../src/files/one-file-tar.ts';
import type { KeptContainer } from './container-record.ts';
import type { DockerDaemon } from './daemon.ts';
import { type Bind, keepClear } from './mounts.ts';
import type { DockerSpec } from './spec.ts';
import { sendTar } from './transfer.ts';

type Context = RunContext<DockerSpec>;

/** Where in a container what a run is given may be. */
const ROOTS = ['/static', '/inputs'] as const;

/** How what a run is given comes into a container that is made for it. */
export interface GivenPlan {
  binds: Bind[];
  /** Where empty volumes are: a root that is read-only takes nothing. */
  volumes: string[];
  /** What is put in before it starts. */
  sent: GivenFile[];
}

export const placeInside = ({ path }: Pick<GivenFile, 'path'>): string => `/${path}`;

/** Throws Rejected where it overlaps what is mounted. `stays`: the container is for other runs too, which bring more. */
export async function planGiven(
  { socketPath }: Pick<DockerDaemon, 'socketPath'>,
  { given, spec, signal }: Pick<Context, 'given' | 'spec' | 'signal'>,
  stays: boolean,
): Promise<GivenPlan> {
  const mounts = [...spec.mounts, ...spec.tmpfs].map(({ target }) => target);
  const taken = [spec.workdir, ...mounts];
  const roots = ROOTS.filter((root) => given.some((one) => placeInside(one).startsWith(`${root}/`)));
  for (const root of roots) {
    keepClear([spec.workdir], root, 'what the run is given', 'workdir');
    keepClear(mounts, root, 'what the run is given');
  }
  const plan: GivenPlan = { binds: [], volumes: spec.read_only ? wanted(stays, roots, taken) : [], sent: [] };
  for (const one of given) {
    // What a run has of its own in the container of a session goes when it is over.
    const mounted = socketPath === null ? null : one.mounted(signal);
    if (mounted === null) plan.sent.push(one);
    else plan.binds.push({ source: await mounted, target: placeInside(one), readOnly: true });
  }
  return plan;
}

/** What a container has mounted for all runs of its session is where it was when that was made: a start of the machine takes it away. */
export async function mountedAgain(
  { socketPath }: Pick<DockerDaemon, 'socketPath'>,
  { given, signal }: Pick<Context, 'given' | 'signal'>,
  container: Pick<KeptContainer, 'given'>,
): Promise<void> {
  if (socketPath === null) return;
  for (const one of given) if (isLasting(one, container)) await one.mounted(signal);
}

/** Is it there for all runs of a session. */
export function isLasting(
  { path, writable, digest }: GivenFile,
  container: Pick<KeptContainer, 'given'>,
): boolean {
  return !writable && digest !== null && container.given?.[path] === digest;
}

function wanted(stays: boolean, roots: readonly string[], taken: readonly string[]): string[] {
  const free = (root: string): boolean =>
    taken.every((place) => !`${place}/`.startsWith(`${root}/`) && !`${root}/`.startsWith(`${place}/`));
  return ROOTS.filter((root) => roots.includes(root) || (stays && free(root)));
}

/** Into a container, for any user there: what was there under its name is not any more. */
export async function sendGiven(
  daemon: DockerDaemon,
  id: string,
  given: readonly GivenFile[],
  ctx: Pick<Context, 'output' | 'signal' | 'spec'>,
): Promise<void> {
  for (const one of given) {
    if (ctx.signal.aborted) return;
    const { path, name } = whereTo(one, ctx.spec);
    await sendTar(daemon, { id, path, tar: streamOf(inPlace(one, name)) }, ctx);
  }
}

/** What is left of each is an empty file of its name. */
export function emptyTar(
  given: readonly Pick<GivenFile, 'path'>[],
  spec: Pick<DockerSpec, 'read_only'>,
): { path: string; tar: Readable }[] {
  return given.map((one) => {
    const { path, name } = whereTo(one, spec);
    return { path, tar: streamOf(oneFileTar({ name, size: 0, mode: 0o444 }, Readable.from([]))) };
  });
}

function whereTo(
  { path }: Pick<GivenFile, 'path'>,
  { read_only }: Pick<DockerSpec, 'read_only'>,
): { path: string; name: string } {
  if (!read_only) return { path: '/', name: path };
  const slash = path.indexOf('/');
  return { path: `/${path.slice(0, slash)}`, name: path.slice(slash + 1) };
}

/** The engine replaces a directory by a file with all that is in it, and that by what comes. */
async function* inPlace(one: GivenFile, name: string): AsyncGenerator<Buffer> {
  yield emptyFile(name);
  // Not before somebody reads: it is open from then on.
  yield* one.pack(name);
}

function streamOf(tar: AsyncIterable<Buffer>): Readable {
  return Readable.from(kept(tar), { objectMode: false });
}
