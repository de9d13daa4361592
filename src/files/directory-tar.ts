import { LeftOut } from '../artifacts/open-inside.ts';
import { archiveOf } from './pack.ts';
import type { Entry } from './scan.ts';
import { type EntryType, NoDirectory, type ScanOf } from './walk.ts';
import { NotWhole, wholeTree } from './whole.ts';

const WORDS: Readonly<Partial<Record<EntryType, string>>> = {
  fifo: 'a FIFO',
  socket: 'a socket',
  device: 'a device',
};

/**
 * A tar of all that is in a directory, its names below it, in order of their bytes; a buffer is good until the next is asked for.
 * `leaveOut` is told of what has no content. Throws LeftOut for what cannot be told or read, so that nobody takes it for whole.
 */
export async function* directoryTar(
  { maxEntries, ...of }: ScanOf & { maxEntries: number },
  leaveOut: (path: string, reason: string) => void,
): AsyncGenerator<Buffer> {
  const entries = wholeTree(of, (path, type) => leaveOut(path, `not a regular file: ${WORDS[type] ?? type}`));
  try {
    yield* archiveOf(counted(entries, maxEntries), 'tar');
  } catch (error) {
    if (!(error instanceof NotWhole || error instanceof NoDirectory)) throw error;
    throw new LeftOut(error.message, { cause: error });
  }
}

async function* counted(entries: AsyncIterable<Entry>, most: number): AsyncGenerator<Entry> {
  let count = 0;
  for await (const entry of entries) {
    if (++count > most) throw new LeftOut(`more than ${most} names are in it`);
    yield entry;
  }
}
