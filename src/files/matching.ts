import { posix } from 'node:path';
import { BadGlob, compileGlob, type GlobPosition, startOf, step } from '../artifacts/glob.ts';
import type { Entry } from './scan.ts';

export { BadGlob };

/**
 * The entries that a glob matches. `after`: the path behind which they begin, null where they are all. Throws BadGlob at
 * once for what is none, LeftOut where it costs too much.
 */
export function matching(
  entries: AsyncIterable<Entry>,
  glob: string,
  after: string | null,
): AsyncGenerator<Entry> {
  return filtered(entries, startOf(compileGlob(glob)), after);
}

async function* filtered(
  entries: AsyncIterable<Entry>,
  start: GlobPosition,
  after: string | null,
): AsyncGenerator<Entry> {
  const below = new Map<string, GlobPosition>([['.', start]]);
  // The directories around the first entry are not among them.
  for (let path = '', rest = after?.split('/') ?? []; rest.length > 0; rest = rest.slice(1)) {
    const position = below.get(path === '' ? '.' : path);
    if (position === undefined) break;
    path = posix.join(path, rest[0] as string);
    below.set(path, (await step(position, rest[0] as string)).below);
  }
  for await (const entry of entries) {
    const position = below.get(posix.dirname(entry.path));
    if (position === undefined) continue;
    const next = await step(position, posix.basename(entry.path));
    if (entry.type === 'directory' && next.below.places.size > 0) below.set(entry.path, next.below);
    if (next.matched.length > 0) yield entry;
  }
}
