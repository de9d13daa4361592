import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PRIVATE, type PrivateView } from '../disk/private-view.ts';
import { type BytePath, bytePath } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
import { isInside } from '../platform/inside.ts';
import { compileGlobs, type Glob, type GlobPosition, startOf } from './glob.ts';
import type { Mount } from './mount.ts';
import type { Omissions } from './omissions.ts';
import { type Bounds, reasonOf } from './open-inside.ts';

/** A directory to collect from. */
export interface ArtifactSource {
  /** As the invocation names it: what descriptors show. */
  shown: string;
  bounds: Bounds;
  /** Null: everything. */
  globs: readonly Glob[] | null;
  position: GlobPosition | null;
}

/** Where a source is looked for. */
export interface Wanted {
  /** As the invocation names it. */
  shown: string;
  /** Where it led to before the run. */
  expected: string | null | undefined;
  places: PrivateView;
  mounts: readonly Mount[] | null;
}

/** The artifact directory, whole. Null, and said in `omissions`, when it is not there or not to be collected from. */
export async function wholeDirectory(wanted: Wanted, omissions: Omissions): Promise<ArtifactSource | null> {
  const bounds = await boundsOf(wanted, omissions);
  return bounds && { shown: wanted.shown, bounds, globs: null, position: null };
}

/** What the globs of an invocation ask for under its working directory. */
export async function globbed(
  wanted: Wanted,
  patterns: readonly string[],
  omissions: Omissions,
): Promise<ArtifactSource | null> {
  const globs = compileGlobs(patterns, (pattern, reason) => omissions.add(pattern, reason));
  if (globs.length === 0) return null;
  const bounds = await boundsOf(wanted, omissions);
  return bounds && { shown: wanted.shown, bounds, globs, position: startOf(globs) };
}

/** Does a directory that the program could exchange, in a mount of its own, lead out of that mount. */
async function leadsOut(shown: string, root: BytePath, mounts: readonly Mount[]): Promise<boolean> {
  for (let at = dirname(shown); mounts.length > 0; at = dirname(at)) {
    const real = await realpath(at, { encoding: 'buffer' }).then(bytePath);
    for (const { source } of mounts)
      if (source !== null && isInside(bytePath(source), real) && !isInside(bytePath(source), root))
        return true;
    if (at === dirname(at)) break;
  }
  return false;
}

async function boundsOf(
  { shown, expected, places, mounts }: Wanted,
  omissions: Omissions,
): Promise<Bounds | null> {
  try {
    const root = bytePath(await realpath(shown, { encoding: 'buffer' }));
    if (expected && root !== bytePath(expected)) omissions.add(shown, 'was replaced while the run went on');
    else if (places.holds(root)) omissions.add(shown, PRIVATE);
    else if (mounts && (await leadsOut(shown, root, mounts)))
      omissions.add(shown, 'a symbolic link out of a mounted directory');
    else return { root, places, mounts };
  } catch (error) {
    const missing = codeOf(error) === 'ENOENT';
    omissions.add(shown, missing ? 'does not exist' : reasonOf(error));
  }
  return null;
}
