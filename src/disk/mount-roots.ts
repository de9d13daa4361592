import { statSync } from 'node:fs';
import { type PrivatePlaces, realPath } from './private-places.ts';

/** Roots of what runs may mount of which something is not as it was meant, and what. */
export function doubtfulRoots(
  roots: readonly string[],
  places: PrivatePlaces,
): { root: string; words: string }[] {
  return roots.flatMap((root) => {
    const real = realPath(root);
    if (real === null || !isDirectory(root))
      return { root, words: 'there is no such directory: nothing of it can be mounted' };
    return places.look(null).overlaps(real)
      ? { root, words: 'no run may mount what holds data of the server' }
      : [];
  });
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // whatever the reason, nobody can mount it
  }
}
