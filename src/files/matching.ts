import { posix } from 'node:path';
import { BadGlob, compileGlob, type GlobPosition, startOf, step } from '../artifacts/glob.ts';
import type { Entry } from './scan.ts';

export { BadGlob };

/** The entries that a glob matches. Throws BadGlob at once for what is none, LeftOut where it costs too much. */
export function matching(entries: AsyncIterable<Entry>, glob: string): AsyncGenerator<Entry> {
  return filtered(entries, startOf(compileGlob(glob)));
}

async function* filtered(entries: AsyncIterable<Entry>, start: GlobPosition): AsyncGenerator<Entry> {
  const below = new Map<string, GlobPosition>([['.', start]]);
  for await (const entry of entries) {
    const position = below.get(posix.dirname(entry.path));
    if (position === undefined) continue;
    const next = await step(position, posix.basename(entry.path));
    if (entry.type === 'directory' && next.below.places.size > 0) below.set(entry.path, next.below);
    if (next.matched.length > 0) yield entry;
  }
}
