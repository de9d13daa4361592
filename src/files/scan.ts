import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import {
  DIRECTORY,
  type EntryType,
  isAbsence,
  NoDirectory,
  openRoot,
  placeOf,
  type ScanOf,
  statsOf,
  typeOf,
  walk,
} from './walk.ts';

export type { EntryType, ScanOf };
export { NoDirectory };

const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** After so long others have their turn. */
const TURN_MS = 5;

/** Something in a tree. A name that is not UTF-8 has U+FFFD in `path`. */
export interface Entry {
  /** Relative, with slashes. */
  path: string;
  type: EntryType;
  stats: Pick<Stats, 'size' | 'mode' | 'mtime' | 'mtimeMs'>;
  /** Of a link: its text. */
  target?: string;
  /** Of a file, hex, where it is known without reading it. */
  sha256?: string;
  /** Opens a file, and no other one that has come in its place; null where it is gone. The caller closes it. */
  open(): number | null;
}

/** Everything in a tree, as `walk` has it, with turns for others. `after`: begin behind this path. Throws NoDirectory. */
export async function* scan(of: ScanOf, after: string | null = null): AsyncGenerator<Entry> {
  let since = performance.now();
  for (const { place, path, stats } of walk(of, { after })) {
    if (performance.now() - since > TURN_MS) {
      await turn();
      since = performance.now();
    }
    const entry = entryAt(place, path, stats, of.isPrivate);
    if (entry !== null) yield entry;
  }
}

/** One entry of a tree. Null: there is none. `parts` is a path that was checked. */
export function find(
  { root, isPrivate }: ScanOf,
  parts: readonly string[],
): { entry: Entry; close(): void } | null {
  const opened = [openRoot(root).fd];
  const close = (): void => {
    for (const fd of opened) closeSync(fd);
  };
  for (const part of parts.slice(0, -1)) {
    const fd = openOrNull(placeOf(opened.at(-1) ?? -1, part), DIRECTORY);
    if (fd === null || isPrivate(fstatSync(fd), fd)) {
      close();
      if (fd !== null) closeSync(fd);
      return null;
    }
    opened.push(fd);
  }
  const place = placeOf(opened.at(-1) ?? -1, parts.at(-1) ?? '');
  const stats = statsOf(place);
  const entry = stats && entryAt(place, parts.join('/'), stats, isPrivate);
  if (entry === null) close();
  return entry && { entry, close };
}

/** What the walk stands at. Null: there is nothing any more. `open` is good until the walk goes on. */
export function entryAt(
  place: string | Buffer,
  path: string,
  stats: Stats,
  isPrivate: ScanOf['isPrivate'],
): Entry | null {
  const type = typeOf(stats);
  const open = (): number | null => {
    const fd = openOrNull(place, FILE);
    if (fd === null) return null;
    const { dev, ino } = fstatSync(fd);
    if (dev === stats.dev && ino === stats.ino && !isPrivate(stats, fd)) return fd;
    closeSync(fd);
    return null;
  };
  if (type !== 'link') return { path, type, stats, open };
  try {
    return { path, type, stats, open: () => null, target: readlinkSync(place, 'utf8') };
  } catch {
    return null; // it has just gone
  }
}

function openOrNull(path: string | Buffer, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}
