import { lstat, readlink, realpath } from 'node:fs/promises';
import { type BytePath, bytePath, joinBytes, toBuffer } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
import { isInside } from '../platform/inside.ts';
import { followLinks, LinkLoop } from '../platform/link-way.ts';
import type { Mount } from './mount.ts';
import { LeftOut } from './open-inside.ts';

const OUT = 'a symbolic link out of the directory';
const NOWHERE = 'a symbolic link that leads nowhere';
const LOOP = 'a symbolic link that leads to itself';

/**
 * The real path of what a link leads to, for whoever made it: a program that had a tree of its own meant that one, and
 * of this machine nothing but its mounts is looked at. Throws LeftOut.
 */
export async function linkTarget(link: BytePath, mounts: readonly Mount[] | null): Promise<BytePath> {
  if (mounts) return mountedTarget(link, mounts.map(inBytes));
  try {
    return bytePath(await realpath(toBuffer(link), { encoding: 'buffer' }));
  } catch (error) {
    throw new LeftOut(codeOf(error) === 'ELOOP' ? LOOP : NOWHERE);
  }
}

type ByteMount = { inside: BytePath; source: BytePath | null };

const inBytes = ({ inside, source }: Mount): ByteMount => ({
  inside: bytePath(inside),
  source: source === null ? null : bytePath(source),
});

async function mountedTarget(link: BytePath, mounts: readonly ByteMount[]): Promise<BytePath> {
  const own = mounts.find(({ source }) => source !== null && isInside(source, link));
  if (!own?.source) throw new LeftOut(OUT);
  const seenAs = below(own.inside, own.source, link);
  let end: string;
  try {
    end = await followLinks(seenAs, (path, last) => linkAt(path as BytePath, last, mounts));
  } catch (error) {
    throw error instanceof LinkLoop ? new LeftOut(LOOP) : error;
  }
  const here = placeOf(end as BytePath, mounts);
  if (here === null) throw new LeftOut(OUT);
  return here;
}

async function linkAt(path: BytePath, last: boolean, mounts: readonly ByteMount[]): Promise<string | null> {
  const here = placeOf(path, mounts);
  if (here === null) return null; // on the way to a mount
  try {
    const stats = await lstat(toBuffer(here));
    if (stats.isSymbolicLink()) return bytePath(await readlink(toBuffer(here), { encoding: 'buffer' }));
    if (last || stats.isDirectory()) return null;
  } catch {
    // Gone, or not to be looked at.
  }
  throw new LeftOut(NOWHERE);
}

/** Where something of the program's tree is here. Null: it is a directory around mounts. Throws LeftOut for the rest. */
function placeOf(path: BytePath, mounts: readonly ByteMount[]): BytePath | null {
  let deepest: ByteMount | null = null;
  for (const mount of mounts)
    if (isInside(mount.inside, path) && mount.inside.length >= (deepest?.inside.length ?? 0)) deepest = mount;
  if (deepest?.source) return below(deepest.source, deepest.inside, path);
  if (!deepest && mounts.some(({ inside }) => isInside(path, inside))) return null;
  throw new LeftOut(OUT);
}

/** What is at `path` under one directory, under another. */
function below(to: BytePath, from: BytePath, path: BytePath): BytePath {
  const rest = path.slice(from.length).replace(/^\//, '') as BytePath;
  return rest === '' ? to : joinBytes(to, rest);
}
