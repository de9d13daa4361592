import type { Dirent, Stats } from 'node:fs';
import { type FileHandle, lstat, opendir } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { type BytePath, bytePath, joinBytes, toBuffer, toText } from '../platform/byte-path.ts';
import { endsFixed, fixedNames, type Glob, type GlobPosition, step } from './glob.ts';
import { linkTarget } from './link-target.ts';
import { type Bounds, descriptorPath, LeftOut, openInside, reasonOf, STOPPED } from './open-inside.ts';

const ENTRIES_A_TURN = 512;

export interface WalkOptions {
  bounds: Bounds;
  /** What to look for; null: everything. */
  globs: GlobPosition | null;
  /** Entries of directories looked at before the walk gives up. */
  maxEntries: number;
  signal?: AbortSignal | undefined;
}

/** A file to collect, or something left out and why. `matched` are the globs that asked for it. */
export type Walked = { path: BytePath; matched: readonly Glob[] } & (
  | { type: 'file' | 'link' }
  | { type: 'omitted'; reason: string }
);

interface Entry {
  name: BytePath;
  facts: Dirent<Buffer> | Stats;
}

/**
 * The files under a directory, each directory's own in order of their bytes, then those of its
 * directories. Symbolic links are never walked into, and a directory is entered only when a
 * glob can match below it; one out of bounds is omitted as a whole. Ends with LeftOut when `maxEntries` is reached or `signal` aborts.
 */
export async function* walkFiles(options: WalkOptions): AsyncGenerator<Walked> {
  const open: { path: BytePath; globs: GlobPosition | null }[] = [
    { path: options.bounds.root, globs: options.globs },
  ];
  const budget = { left: options.maxEntries };
  for (let directory = open.pop(); directory; directory = open.pop()) {
    let entries: Entry[];
    try {
      entries = await entriesOf(options, directory.path, directory.globs, budget);
    } catch (error) {
      if (error instanceof StopWalk) throw error;
      yield { type: 'omitted', path: directory.path, matched: [], reason: reasonOf(error) };
      continue;
    }
    const directories: typeof open = [];
    for (const [index, { name, facts }] of entries.entries()) {
      if (index % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await turn();
      const path = joinBytes(directory.path, name);
      const next = directory.globs && (await followed(directory.globs, name, options.signal));
      const matched = next?.matched ?? [];
      const wanted = !next || matched.length > 0;
      const entered = !next || next.below.places.size > 0;
      if (facts.isDirectory()) {
        const named = matched.find(endsFixed);
        if (entered) directories.push({ path, globs: next?.below ?? null });
        else if (named)
          yield { type: 'omitted', path, matched, reason: `is a directory: ask for ${named.source}/**` };
      } else if (facts.isSymbolicLink()) {
        if (wanted) yield { type: 'link', path, matched };
        else if (entered && (await leadsToDirectory(path, options.bounds)))
          yield { type: 'omitted', path, matched, reason: 'a symbolic link to a directory' };
      } else if (wanted) {
        if (facts.isFile()) yield { type: 'file', path, matched };
        else yield { type: 'omitted', path, matched, reason: `not a regular file: ${typeOf(facts)}` };
      }
    }
    open.push(...directories.reverse());
  }
}

/** The walk is over before everything was seen. */
export class StopWalk extends LeftOut {}

async function followed(globs: GlobPosition, name: BytePath, signal: AbortSignal | undefined) {
  if (signal?.aborted) throw new StopWalk(STOPPED);
  try {
    return await step(globs, toText(name));
  } catch (error) {
    throw error instanceof LeftOut ? new StopWalk(error.message) : error;
  }
}

async function entriesOf(
  options: WalkOptions,
  path: BytePath,
  globs: GlobPosition | null,
  budget: { left: number },
): Promise<Entry[]> {
  const spend = () => {
    if (options.signal?.aborted) throw new StopWalk(STOPPED);
    if (budget.left-- === 0)
      throw new StopWalk(`more than ${options.maxEntries} names: the rest was not looked at`);
  };
  const { handle } = await openInside(options.bounds, path, 'directory');
  const names = globs && fixedNames(globs);
  const looked = names ? look(handle, path, names, spend) : list(handle, path, spend);
  const entries = await looked.finally(() => handle.close());
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function list(handle: FileHandle, path: BytePath, spend: () => void): Promise<Entry[]> {
  const entries: Entry[] = [];
  const directory = Buffer.from(descriptorPath(handle) ?? toBuffer(path));
  // Not declared: encoding 'buffer' makes the names Buffers, as it does for readdir.
  const found = (await opendir(directory, {
    encoding: 'buffer' as BufferEncoding,
    bufferSize: 256,
  })) as unknown;
  for await (const facts of found as AsyncIterable<Dirent<Buffer>>) {
    spend();
    entries.push({ name: bytePath(facts.name), facts });
  }
  return entries;
}

/** The entries of fixed names that exist. */
async function look(
  handle: FileHandle,
  path: BytePath,
  names: string[],
  spend: () => void,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const directory = bytePath(descriptorPath(handle) ?? toBuffer(path));
  for (const name of names.map(bytePath)) {
    spend();
    try {
      entries.push({ name, facts: await lstat(toBuffer(joinBytes(directory, name))) });
    } catch {
      // Not there: a glob that matches nothing.
    }
  }
  return entries;
}

async function leadsToDirectory(link: BytePath, { mounts }: Bounds): Promise<boolean> {
  try {
    return (await lstat(toBuffer(await linkTarget(link, mounts)))).isDirectory();
  } catch {
    return false;
  }
}

export function typeOf(facts: Dirent<Buffer> | Stats): string {
  if (facts.isFIFO()) return 'a FIFO';
  if (facts.isSocket()) return 'a socket';
  if (facts.isDirectory()) return 'a directory';
  return facts.isBlockDevice() || facts.isCharacterDevice() ? 'a device' : 'of unknown type';
}
