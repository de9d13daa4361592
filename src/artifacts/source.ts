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
  const bounds = await toldBounds(wanted, omissions);
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
  const bounds = await toldBounds(wanted, omissions);
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

async function toldBounds(wanted: Wanted, omissions: Omissions): Promise<Bounds | null> {
  const bounds = await boundsOf(wanted);
  if (typeof bounds !== 'string') return bounds;
  omissions.add(wanted.shown, bounds);
  return null;
}

/** Where files of a directory may be, or why nothing is collected from there. */
export async function boundsOf({ shown, expected, places, mounts }: Wanted): Promise<Bounds | string> {
  try {
    const root = bytePath(await realpath(shown, { encoding: 'buffer' }));
    if (expected && root !== bytePath(expected)) return 'was replaced while the run went on';
    if (places.holds(root)) return PRIVATE;
    if (mounts && (await leadsOut(shown, root, mounts))) return 'a symbolic link out of a mounted directory';
    return { root, places, mounts };
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'does not exist' : reasonOf(error);
  }
}
