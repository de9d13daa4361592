import type { Stats } from 'node:fs';
import { type FileHandle, lstat, realpath } from 'node:fs/promises';
import { LeftOut, openInside } from './artifact-open.ts';
import { typeOf } from './artifact-walk.ts';
import { type BytePath, bytePath, isInside, toBuffer } from './byte-path.ts';

/** A regular file, open. */
export interface OpenFile {
  handle: FileHandle;
  stats: Stats;
}

/** Open a file that was found under `root`, or what a link found there leads to. Throws LeftOut or the error met. */
export async function openFound(
  root: BytePath,
  found: { type: 'file' | 'link'; path: BytePath },
): Promise<OpenFile> {
  const path = found.type === 'link' ? await targetOf(root, found.path) : found.path;
  const handle = await openInside(root, path, 'file');
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, stats };
  await handle.close();
  throw new LeftOut(`not a regular file: ${typeOf(stats)}`);
}

/** A link is collected as the regular file it leads to, when that is under the same root. */
async function targetOf(root: BytePath, link: BytePath): Promise<BytePath> {
  let target: BytePath;
  try {
    target = bytePath(await realpath(toBuffer(link), { encoding: 'buffer' }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    throw new LeftOut(
      code === 'ELOOP' ? 'a symbolic link that leads to itself' : 'a symbolic link that leads nowhere',
    );
  }
  if (!isInside(root, target)) throw new LeftOut('a symbolic link out of the directory');
  const stats = await lstat(toBuffer(target));
  if (!stats.isFile()) throw new LeftOut(`a symbolic link to ${typeOf(stats)}`);
  return target;
}
