import { lstat } from 'node:fs/promises';
import { type BytePath, toBuffer } from '../platform/byte-path.ts';
import { isInside } from '../platform/inside.ts';
import { linkTarget } from './link-target.ts';
import { type Bounds, LeftOut, type OpenFile, openInside } from './open-inside.ts';
import { typeOf } from './walk.ts';

/** Open a regular file that was found within bounds, or what a link found there leads to. Throws LeftOut or the error met. */
export async function openFound(
  bounds: Bounds,
  found: { type: 'file' | 'link'; path: BytePath },
): Promise<OpenFile> {
  const linked = found.type === 'link';
  const path = linked ? await targetOf(bounds, found.path) : found.path;
  const file = await openInside(bounds, path, 'file', !linked);
  if (file.stats.isFile()) return file;
  await file.handle.close();
  throw new LeftOut(`not a regular file: ${typeOf(file.stats)}`);
}

/** A link is collected as the regular file it leads to, when that is under the same root. */
async function targetOf({ root, mounts }: Bounds, link: BytePath): Promise<BytePath> {
  const target = await linkTarget(link, mounts);
  if (!isInside(root, target)) throw new LeftOut('a symbolic link out of the directory');
  const stats = await lstat(toBuffer(target));
  if (!stats.isFile()) throw new LeftOut(`a symbolic link to ${typeOf(stats)}`);
  return target;
}
