import { realpath } from 'node:fs/promises';
import { PRIVATE, type PrivateView } from '../disk/private-view.ts';
import { bytePath } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
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

async function boundsOf(
  { shown, expected, places, mounts }: Wanted,
  omissions: Omissions,
): Promise<Bounds | null> {
  try {
    const root = bytePath(await realpath(shown, { encoding: 'buffer' }));
    const replaced = expected && root !== bytePath(expected);
    if (!replaced && !places.holds(root)) return { root, places, mounts };
    omissions.add(shown, replaced ? 'was replaced while the run went on' : PRIVATE);
  } catch (error) {
    const missing = codeOf(error) === 'ENOENT';
    omissions.add(shown, missing ? 'does not exist' : reasonOf(error));
  }
  return null;
}
