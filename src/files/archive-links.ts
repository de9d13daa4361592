import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { codeOf } from '../platform/error-words.ts';
import { BadName } from './names.ts';

/** As many as Linux follows: who comes to more has an error, and is not outside. */
const MOST_LINKS = 40;
/** What a step on the way of a link costs, in characters, beside those of its path; and the most for one archive: 100,000 links need a fifth. */
const STEP = 50;
const MOST_WORK = 500_000_000;
/** After so long others have their turn. */
const TURN_MS = 5;
/** So many answers are kept for the next link. */
const KEPT = 10_000;
const NO_LINK = ['EINVAL', 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES'];

/** The text of a link in a tree, by its path there. Null: there is none. */
export type LinkAt = (path: string) => string | null;

/**
 * Judges the links that came, by their paths, in the tree as it will be: one whose text stays inside may lead out over
 * another, in whatever order they came. Throws BadName for the first that does.
 */
export async function checkLinks(came: Iterable<string>, linkAt: LinkAt): Promise<void> {
  const known = new Map<string, string | null>();
  const textOf = (path: string): string | null => {
    let text = known.get(path);
    if (text !== undefined) return text;
    text = linkAt(path);
    if (known.size >= KEPT) known.clear();
    known.set(path, text);
    return text;
  };
  let work = 0;
  let since = performance.now();
  for (const path of came)
    for (const at of wayOf(path, textOf)) {
      if (at === null) throw new BadName(path, 'is a link that leads out of the directory over another link');
      work += STEP + at.length;
      if (work > MOST_WORK) throw new BadName(path, 'is one of too many links that lead over each other');
      if (performance.now() - since < TURN_MS) continue;
      await turn();
      since = performance.now();
    }
}

/** The paths that whoever follows a link comes by. Null: outside. */
function* wayOf(path: string, textOf: LinkAt): Generator<string | null> {
  // The directories above it are none of them a link: what comes goes through none.
  let at = above(path);
  const left = [path.slice(path.lastIndexOf('/') + 1)];
  for (let links = 0; left.length > 0; ) {
    const name = left.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at === '') return yield null;
      at = above(at);
    } else {
      at = at === '' ? name : `${at}/${name}`;
      const text = textOf(at);
      if (text !== null) {
        if (++links > MOST_LINKS) return;
        if (text.startsWith('/')) return yield null;
        at = above(at);
        left.push(...text.split('/').reverse());
      }
    }
    yield at;
  }
}

/** What comes, at `staged`, and else what is at `place`, where it is to be. */
export function linksOver(staged: string, place: string): LinkAt {
  return (path) => {
    const coming = join(staged, path);
    return linkText(isThere(coming) ? coming : join(place, path));
  };
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (NO_LINK.includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}

function linkText(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (NO_LINK.includes(codeOf(error) ?? '')) return null;
    throw error;
  }
}

const above = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
