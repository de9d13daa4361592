import { realpath } from 'node:fs/promises';
import { reasonOf } from './artifact-open.ts';
import { type BytePath, bytePath } from './byte-path.ts';
import { BadGlob, compileGlob, type Glob, type GlobPosition, startOf } from './glob.ts';
import type { Omissions } from './omissions.ts';

/** A directory to collect from. */
export interface ArtifactSource {
  /** As the invocation names it: what descriptors show. */
  shown: string;
  root: BytePath;
  /** Null: everything. */
  globs: readonly Glob[] | null;
  position: GlobPosition | null;
}

/** The artifact directory, whole. Null, and said in `omissions`, when it is not there. */
export async function wholeDirectory(
  shown: string,
  expected: string | null | undefined,
  omissions: Omissions,
): Promise<ArtifactSource | null> {
  const root = await rootOf(shown, expected, omissions);
  return root && { shown, root, globs: null, position: null };
}

/** What the globs of an invocation ask for under its working directory. */
export async function globbed(
  shown: string,
  expected: string | null | undefined,
  patterns: readonly string[],
  omissions: Omissions,
): Promise<ArtifactSource | null> {
  const globs = patterns.flatMap((pattern) => {
    try {
      return compileGlob(pattern);
    } catch (error) {
      if (!(error instanceof BadGlob)) throw error;
      omissions.add(pattern, error.message);
      return [];
    }
  });
  if (globs.length === 0) return null;
  const root = await rootOf(shown, expected, omissions);
  return root && { shown, root, globs, position: startOf(globs) };
}

async function rootOf(
  shown: string,
  expected: string | null | undefined,
  omissions: Omissions,
): Promise<BytePath | null> {
  try {
    const root = bytePath(await realpath(shown, { encoding: 'buffer' }));
    if (!expected || root === bytePath(expected)) return root;
    omissions.add(shown, 'was replaced while the run went on');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    omissions.add(shown, missing ? 'does not exist' : reasonOf(error));
  }
  return null;
}
