import { readdirSync } from 'node:fs';
import { chmod, lchown, lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunContext } from '../../src/contract/context.ts';
import { archiveStream } from '../../src/files/pack.ts';
import { scan } from '../../src/files/scan.ts';
import type { DockerDaemon } from './daemon.ts';
import type { DockerSpec } from './spec.ts';

type Context = Pick<RunContext<DockerSpec>, 'spec' | 'workingDirectory' | 'directory'>;

/** Did files come with the run: then its scratch directory is not empty before it begins. */
export function hasFiles({ workingDirectory, directory }: Context): boolean {
  return workingDirectory === directory.work && readdirSync(workingDirectory).length > 0;
}

/** Files that came with a run are of the container's user, as those that it makes. Nothing of the run goes on yet. */
export async function shareFiles(root: string, user: string): Promise<void> {
  const [uid, gid] = user.split(':').map(Number);
  const owned = process.getuid?.() === 0 && Number.isInteger(uid) && Number.isInteger(gid);
  for await (const entry of await opendir(root, { recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (owned) await lchown(path, uid ?? 0, gid ?? 0);
    else if (!entry.isSymbolicLink()) {
      const { mode } = await lstat(path);
      // A user without a number that is known outside: whoever it is, it may do what the owner may.
      await chmod(path, openToAll(mode & 0o777));
    }
  }
}

/** What the owner may, everybody may. */
function openToAll(mode: number): number {
  const owner = (mode >> 6) & 7;
  return mode | (owner << 3) | owner;
}

/** Without a mounted workspace they are copied into the container, for any user there to use. */
export async function copyIn(daemon: DockerDaemon, id: string, ctx: Context): Promise<void> {
  if (ctx.spec.mount_workspace || !hasFiles(ctx)) return;
  const entries = scan({ root: ctx.workingDirectory, isPrivate: () => false });
  const tar = archiveStream(entries, 'tar', openToAll);
  await daemon.ask((docker) => docker.getContainer(id).putArchive(tar, { path: ctx.spec.workdir }));
}
