import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import type { Omitted } from '../../src/documents/artifact.ts';
import { archiveStream } from '../../src/files/pack.ts';
import type { Entry } from '../../src/files/scan.ts';
import { NotWhole, wholeTree } from '../../src/files/whole.ts';
import { LetGo } from './attendance.ts';
import { DaemonGone, type DockerDaemon, daemonWords } from './daemon.ts';
import { statIn } from './inside.ts';
import { ownerOf } from './owner.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';
import { sendTar, Transfer } from './transfer.ts';
import { homeOf } from './workspace.ts';

type Context = RunContext<DockerSpec>;

const RETRY_MS = 250;
/** So often an engine may break off in the middle. */
const MOST_ANSWERS = 5;
/** What may be done in a directory that the server made for the run: as in one that is mounted. */
const OPEN_MODE = 0o040777;

/**
 * The workspace of a run that does not have it mounted, into the volume at `workdir`: all of it, in one tar that is made while it is
 * sent, as the container's user's. Throws Rejected, by name, for what would be lost when it comes back.
 */
export async function copyWorkspaceIn(
  { daemon, places }: Pick<RunTools, 'daemon' | 'places'>,
  { id, user }: { id: string; user: string },
  ctx: Context,
): Promise<void> {
  const { workdir } = ctx.spec;
  // What is put in its place would not be where the volume is.
  if ((await statIn(daemon, id, workdir))?.isLink)
    throw new Rejected(`workdir is a symbolic link in the image: ${workdir}`);
  const owner = await ownerOf(daemon, id, user);
  const view = places.look(ctx.directory);
  const root = homeOf(ctx);
  const tree = wholeTree({ root, isPrivate: (stats, descriptor) => view.holdsFile(stats, descriptor) });
  const tar = archiveStream(within(workdir.slice(1), tree), 'tar', { owner });
  try {
    await sendTar(daemon, { id, path: '/', tar }, ctx);
  } catch (error) {
    const cause = error instanceof DaemonGone ? error.cause : error;
    if (cause instanceof NotWhole)
      throw new Rejected(`the workspace cannot be copied into a container: ${cause.message}`);
    throw error;
  }
}

async function* within(directory: string, entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  const mtime = new Date();
  const stats = { mode: OPEN_MODE, size: 0, mtime, mtimeMs: mtime.getTime() };
  yield { path: directory, type: 'directory', stats, open: () => null };
  for await (const entry of entries) yield { ...entry, path: `${directory}/${entry.path}` };
}

/** What came of it. */
export interface Brought {
  omitted: Omitted[];
  /** Why nothing came back, in words. */
  failure: string | null;
}

/**
 * What an ended container made of the workspace takes its place. An engine that goes away meanwhile is waited for, and it is begun
 * anew. Throws LetGo when this process is to leave it: the next server does it again.
 */
export async function bringBack(tools: RunTools, id: string, ctx: Context): Promise<Brought> {
  const { closed } = tools;
  const letGo = Promise.withResolvers<never>();
  const leave = (): void => letGo.reject(new LetGo());
  closed.addEventListener('abort', leave, { once: true });
  if (closed.aborted) leave();
  const transfer = new Transfer('copying the workspace out of the container', ctx.output);
  const bringing = bring(tools, id, ctx, transfer);
  bringing.catch(() => {}); // told below, or nobody's any more
  try {
    return await Promise.race([bringing, letGo.promise]);
  } finally {
    transfer.close();
    closed.removeEventListener('abort', leave);
  }
}

async function bring(
  { daemon, reconnectMs, closed }: RunTools,
  id: string,
  ctx: Context,
  transfer: Transfer,
): Promise<Brought> {
  let silentSince = performance.now();
  let answers = 0;
  for (;;) {
    const before = answers;
    try {
      const omitted = await bringOnce(daemon, id, ctx, transfer, () => answers++);
      return { omitted, failure: null };
    } catch (error) {
      if (closed.aborted) throw new LetGo();
      if (answers > before) silentSince = performance.now();
      const isSilent = performance.now() - silentSince > reconnectMs;
      if (!(error instanceof DaemonGone) || isSilent || answers > MOST_ANSWERS)
        return { omitted: [], failure: daemonWords(error) };
      await sleep(RETRY_MS);
    }
  }
}

async function bringOnce(
  daemon: DockerDaemon,
  id: string,
  { spec, workspace }: Context,
  transfer: Transfer,
  answered: () => void,
): Promise<Omitted[]> {
  const path = spec.workdir;
  const archive = (await daemon.ask((docker) => docker.getContainer(id).getArchive({ path }))) as Readable;
  answered();
  const signal = transfer.moving();
  const stalled = (): void => void archive.destroy(signal.reason as Error);
  signal.addEventListener('abort', stalled, { once: true });
  async function* received(): AsyncGenerator<Buffer> {
    try {
      yield* transfer.of(archive as AsyncIterable<Buffer>);
    } catch (error) {
      throw new DaemonGone(daemon.where, error);
    } finally {
      transfer.arrived();
    }
  }
  try {
    return (await workspace?.replace(Readable.from(received(), { objectMode: false }))) ?? [];
  } finally {
    archive.destroy();
  }
}
