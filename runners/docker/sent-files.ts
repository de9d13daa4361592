import { closeSync, constants, fchmodSync, fstatSync, lchownSync, openSync, readdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { RunContext } from '../../src/contract/context.ts';
import { archiveStream, openToAll } from '../../src/files/pack.ts';
import { scan } from '../../src/files/scan.ts';
import { walk } from '../../src/files/walk.ts';
import type { DockerDaemon } from './daemon.ts';
import type { DockerSpec } from './spec.ts';
import { sendTar } from './transfer.ts';
import { homeOf, isMounted } from './workspace.ts';

/** After so long others have their turn. */
const TURN_MS = 5;

type Context = Pick<RunContext<DockerSpec>, 'spec' | 'workingDirectory' | 'directory' | 'workspace'>;

/** Is there something in the run's own directory before it begins: files that came with it, or a workspace. */
export function hasFiles(ctx: Pick<Context, 'workingDirectory' | 'directory'>): boolean {
  const { work } = ctx.directory;
  return homeOf(ctx) === work && readdirSync(work).length > 0;
}

/**
 * What is in the run's own directory is of the container's user, as what it makes. Programs of other runs may be in it: no
 * link is followed, and each thing is reached below its open directory.
 */
export async function shareFiles(root: string, user: string): Promise<void> {
  const [uid, gid] = user.split(':').map(Number);
  const server = process.getuid?.() ?? 0;
  const owned = server === 0 && Number.isInteger(uid) && Number.isInteger(gid);
  let since = performance.now();
  for (const { type, stats, place } of walk({ root, isPrivate: () => false })) {
    if (owned && (stats.uid !== uid || stats.gid !== gid)) lchownSync(place, uid ?? 0, gid ?? 0);
    // A user without a number that is known outside: whoever it is, it may do what the owner may.
    const isOurs = server === 0 || stats.uid === server;
    if (!owned && isOurs && (type === 'file' || type === 'directory')) openUp(place);
    if (performance.now() - since < TURN_MS) continue;
    await turn();
    since = performance.now();
  }
}

function openUp(place: string | Buffer): void {
  let fd: number;
  try {
    fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return; // it has gone, or nobody may read it
  }
  try {
    const mode = fstatSync(fd).mode & 0o777;
    if (openToAll(mode) !== mode) fchmodSync(fd, openToAll(mode));
  } finally {
    closeSync(fd);
  }
}

/** Without a mounted workspace they are copied into the container, for any user there to use. */
export async function copyIn(
  daemon: DockerDaemon,
  id: string,
  ctx: Context & Pick<RunContext, 'output' | 'signal'>,
): Promise<void> {
  if (isMounted(ctx) || !hasFiles(ctx)) return;
  const entries = scan({ root: ctx.workingDirectory, isPrivate: () => false });
  const tar = archiveStream(entries, 'tar', { modeOf: openToAll });
  await sendTar(daemon, { id, path: ctx.spec.workdir, tar }, ctx);
}
