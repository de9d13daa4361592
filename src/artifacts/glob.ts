import { Effort } from './effort.ts';
import { matchesSegment, parseSegment, type Segment } from './glob-segment.ts';

const MAX_LENGTH = 4096;
const MAX_ALTERNATIVES = 100;
const MAX_TOGETHER = 100_000;

/** A pattern of paths under one directory. `source` is the words of the invocation. */
export interface Glob {
  readonly source: string;
  readonly segments: readonly Segment[];
}

/** How far each glob has been followed on the way down to a directory, and what all of them have cost everywhere. */
export interface GlobPosition {
  readonly places: ReadonlyMap<Glob, ReadonlySet<number>>;
  readonly effort: Effort;
}

/** The pattern cannot match anything; the message says why. */
export class BadGlob extends Error {}

/**
 * `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, `\` before a character to take it as it is, and `**` for any
 * number of directories. A name that begins with a dot is matched only by a pattern that does too.
 * `dir/` is `dir/**`. One glob for each alternative of the braces. Throws BadGlob.
 */
export function compileGlob(source: string): Glob[] {
  if (source.length > MAX_LENGTH) throw new BadGlob(`the pattern is longer than ${MAX_LENGTH} characters`);
  if (source.includes('\0')) throw new BadGlob('the pattern contains a NUL character');
  return expandBraces(source).map((pattern) => {
    if (pattern.startsWith('/')) throw new BadGlob('the pattern is absolute');
    const names = pattern.split('/').filter((name) => name !== '' && name !== '.');
    if (pattern.endsWith('/')) names.push('**');
    if (names.at(-1) === '**') names.push('*');
    // Two in a row say what one says, and cost twice as much at each name.
    const segments = names.filter((name, at) => name !== '**' || names[at - 1] !== '**').map(parseSegment);
    if (segments.length === 0) throw new BadGlob('the pattern names no file');
    if (segments.some((segment) => segment.type === 'literal' && segment.name === '..'))
      throw new BadGlob('the pattern contains ..');
    return { source, segments };
  });
}

/**
 * The globs of one request, those that are none or too much left out: `onBad` is told why. Together they have at most
 * so many characters, all alternatives of braces written out.
 */
export function compileGlobs(
  patterns: readonly string[],
  onBad: (pattern: string, reason: string) => void,
): Glob[] {
  let left = MAX_TOGETHER;
  return patterns.flatMap((pattern) => {
    try {
      if (left < 0) throw new BadGlob(TOO_MUCH);
      const globs = compileGlob(pattern);
      left -= globs.length * pattern.length;
      if (left < 0) throw new BadGlob(TOO_MUCH);
      return globs;
    } catch (error) {
      if (!(error instanceof BadGlob)) throw error;
      onBad(pattern, error.message);
      return [];
    }
  });
}

const TOO_MUCH = `the patterns have together more than ${MAX_TOGETHER} characters, with each alternative counted`;

export function startOf(globs: readonly Glob[], effort = new Effort()): GlobPosition {
  const places = new Map(globs.map((glob) => [glob, reach(glob, 0, new Set())]));
  return { places, effort };
}

/** What matches an entry, and how far the globs have come below it. */
export interface Followed {
  matched: Glob[];
  below: GlobPosition;
}

/**
 * Follow the globs to an entry of the directory: which match it, and where they stand below it. The event loop has its
 * turns meanwhile. Throws LeftOut when the globs have cost too much.
 */
export async function step(position: GlobPosition, name: string): Promise<Followed> {
  const following = follow(position, name);
  for (let next = following.next(); ; next = following.next()) {
    if (next.done) return next.value;
    const pause = position.effort.spend(next.value);
    if (pause) await pause;
  }
}

/** The same in a thread that gives no turns. */
export function stepAtOnce(position: GlobPosition, name: string): Followed {
  const following = follow(position, name);
  for (let next = following.next(); ; next = following.next()) {
    if (next.done) return next.value;
    position.effort.take(next.value);
  }
}

/** Yields what each glob has cost. */
function* follow({ places: position, effort }: GlobPosition, name: string): Generator<number, Followed> {
  const matched: Glob[] = [];
  const below = new Map<Glob, Set<number>>();
  const chars = Array.from(name);
  for (const [glob, places] of position) {
    const next = new Set<number>();
    const cost = { steps: places.size };
    for (const place of places) {
      const segment = glob.segments[place];
      if (segment && matchesSegment(segment, name, chars, cost))
        reach(glob, segment.type === 'globstar' ? place : place + 1, next);
    }
    yield cost.steps;
    if (next.delete(glob.segments.length)) matched.push(glob);
    if (next.size > 0) below.set(glob, next);
  }
  return { matched, below: { places: below, effort } };
}

/** The only names that can match here, when every glob asks for fixed ones: no need to list the directory. */
export function fixedNames(position: GlobPosition): string[] | null {
  const names = new Set<string>();
  for (const [glob, places] of position.places)
    for (const place of places) {
      const segment = glob.segments[place];
      if (segment?.type !== 'literal') return null;
      names.add(segment.name);
    }
  return [...names];
}

/** Does the glob end in a fixed name, so that a directory it matches was asked for by name. */
export function endsFixed(glob: Glob): boolean {
  return glob.segments.at(-1)?.type === 'literal';
}

/** Add a place and, as `**` may stand for nothing, those after it. */
function reach(glob: Glob, from: number, places: Set<number>): Set<number> {
  let place = from;
  places.add(place);
  while (glob.segments[place]?.type === 'globstar') places.add(++place);
  return places;
}

function expandBraces(source: string): string[] {
  const done: string[] = [];
  const open = [source];
  for (let pattern = open.pop(); pattern !== undefined; pattern = open.pop()) {
    const alternatives = firstBraces(pattern);
    if (alternatives) open.push(...alternatives.reverse());
    else done.push(pattern);
    if (done.length + open.length > MAX_ALTERNATIVES)
      throw new BadGlob(`the pattern has more than ${MAX_ALTERNATIVES} alternatives`);
  }
  return done;
}

/** The pattern once for each alternative of its first `{a,b}`; null when there is none. */
function firstBraces(pattern: string): string[] | null {
  const cuts: number[][] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (char === '{') cuts.push([i]);
    else if (char === ',') cuts.at(-1)?.push(i);
    else if (char === '}') {
      const found = cuts.pop();
      if (!found || found.length === 1) continue;
      const before = pattern.slice(0, found[0]);
      const after = pattern.slice(i + 1);
      const ends = [...found.slice(1), i];
      return ends.map((end, n) => before + pattern.slice((found[n] as number) + 1, end) + after);
    }
  }
  return null;
}
