import { setImmediate as turn } from 'node:timers/promises';
import { type Entry, entryAt } from './scan.ts';
import { type EntryType, type ScanOf, type Step, walk } from './walk.ts';

/** After so long others have their turn. */
const TURN_MS = 5;
/** What bytes that are no UTF-8 become: who reads it back cannot tell. */
const UNTOLD = '\ufffd';

/** Something that cannot be told or read, by name. */
export class NotWhole extends Error {}

/**
 * Files, directories and links of a tree, for who puts in its place what he makes of it: nothing is left out silently. What
 * has no content (FIFOs, sockets, devices) is, and told to `leftOut`. Throws NotWhole, NoDirectory.
 */
export async function* wholeTree(
  of: ScanOf,
  leftOut: (path: string, type: EntryType) => void = () => {},
): AsyncGenerator<Entry> {
  let since = performance.now();
  for (const step of walk(of, { asOwner: true })) {
    if (performance.now() - since > TURN_MS) {
      await turn();
      since = performance.now();
    }
    const { path, stats, type } = step;
    const why = reasonAgainst(step);
    if (why !== null) throw new NotWhole(`${JSON.stringify(path)} ${why}`);
    if (type !== 'file' && type !== 'directory' && type !== 'link') {
      leftOut(path, type);
      continue;
    }
    const entry = entryAt(step.place, path, stats, of.isPrivate);
    if (entry?.target?.includes(UNTOLD))
      throw new NotWhole(`${JSON.stringify(path)} is a link whose text is not UTF-8`);
    if (entry !== null) yield type === 'file' ? { ...entry, open: () => opened(entry) } : entry;
  }
}

function opened(entry: Entry): number {
  const fd = entry.open();
  if (fd === null) throw new NotWhole(`${JSON.stringify(entry.path)} cannot be read`);
  return fd;
}

function reasonAgainst({ path, isUtf8, shut }: Step): string | null {
  if (!isUtf8 || path.includes(UNTOLD)) return 'has a name that is not UTF-8';
  if (shut === null) return null;
  return shut === 'deep' ? 'has too many directories around it' : 'cannot be read';
}
