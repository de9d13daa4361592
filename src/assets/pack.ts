import type { Readable } from 'node:stream';
import { archiveStream } from '../files/pack.ts';
import type { Entry } from '../files/scan.ts';
import type { Hands } from '../snapshots/hands.ts';
import type { ResolvedAsset } from './asset-book.ts';

const S_IFREG = 0o100644;
const S_IFDIR = 0o040755;

/**
 * A tar of it, its names below `prefix`, or that: a file. Whoever the work runs as, which nobody here knows, may read all of it, and
 * change it where it is `writable`.
 */
export function packed(
  hands: Pick<Hands, 'holding' | 'entries' | 'content'>,
  asset: Pick<ResolvedAsset, 'type' | 'digest' | 'bytes'>,
  time: Date,
  prefix: string,
  writable: boolean,
): Readable {
  const modeOf = (mode: number): number => {
    const runs = (mode & 0o111) === 0 ? 0 : 0o111;
    return (writable ? 0o666 : 0o444) | runs;
  };
  return archiveStream(entriesOf(hands, asset, time, prefix), 'tar', { modeOf });
}

async function* entriesOf(
  hands: Pick<Hands, 'holding' | 'entries' | 'content'>,
  { type, digest, bytes }: Pick<ResolvedAsset, 'type' | 'digest' | 'bytes'>,
  time: Date,
  prefix: string,
): AsyncGenerator<Entry> {
  const stats = (mode: number, size: number) => ({ mode, size, mtime: time, mtimeMs: time.getTime() });
  if (type === 'file') {
    const open = (): number => {
      const fd = hands.content(digest, bytes);
      if (fd === null) throw new Error(`a content is not there: ${digest}`);
      return fd;
    };
    yield { path: prefix, type, stats: stats(S_IFREG, bytes), sha256: digest, open };
    return;
  }
  yield { path: prefix, type, stats: stats(S_IFDIR, 0), open: () => null };
  for await (const entry of hands.entries(digest, time)) yield { ...entry, path: `${prefix}/${entry.path}` };
}
