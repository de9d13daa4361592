import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { type BytePath, bytePath, joinBytes, toBuffer } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
import { isInside } from '../platform/inside.ts';
import { linkTarget } from './link-target.ts';
import { type Bounds, LeftOut, type OpenFile, openInside } from './open-inside.ts';
import { typeOf } from './walk.ts';

/** What is at the path of an output, open. */
export interface OpenOutput extends OpenFile {
  /** Real paths by which a walk of the directory would come to it: its own, and that which links there lead to. */
  places: BytePath[];
}

/** Opens a file or directory below the root of bounds, over links that stay there. Throws LeftOut, or the error met. */
export async function openOutput(bounds: Bounds, path: string): Promise<OpenOutput> {
  const named = joinBytes(bounds.root, bytePath(path));
  const real = (await hasLinks(bounds.root, path)) ? await linkTarget(named, bounds.mounts) : named;
  if (!isInside(bounds.root, real)) throw new LeftOut('a symbolic link out of the directory');
  const isDirectory = refuseOthers(await lstat(toBuffer(real))).isDirectory();
  const opened = await openInside(bounds, real, isDirectory ? 'directory' : 'file', false);
  try {
    refuseOthers(opened.stats);
    return { ...opened, places: [named, real] };
  } catch (error) {
    await opened.handle.close();
    throw error;
  }
}

/** Is one on the way. Throws LeftOut where nothing is there. */
async function hasLinks(root: BytePath, path: string): Promise<boolean> {
  let at = root;
  for (const name of path.split('/')) {
    at = joinBytes(at, bytePath(name));
    try {
      if ((await lstat(toBuffer(at))).isSymbolicLink()) return true;
    } catch (error) {
      throw ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '') ? new LeftOut('does not exist') : error;
    }
  }
  return false;
}

function refuseOthers(stats: Stats): Stats {
  if (stats.isFile() || stats.isDirectory()) return stats;
  throw new LeftOut(`neither a file nor a directory: ${typeOf(stats)}`);
}
