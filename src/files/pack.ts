import { closeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { blocksOf, kept, readNow, SMALL_BYTES } from './blocks.ts';
import type { Entry } from './scan.ts';
import { TAR_END, type TarOwner, tarHead, tarPadding } from './tar-head.ts';
import { zipOf } from './zip.ts';

export const ARCHIVE_TYPES = {
  tar: 'application/x-tar',
  'tar.gz': 'application/gzip',
  zip: 'application/zip',
} as const;
export type ArchiveFormat = keyof typeof ARCHIVE_TYPES;

/** Entries of a tar are put together up to this. */
const BLOCK_BYTES = 256 * 1024;

/** What a tar says of all that is in it. */
export interface TarWords {
  /** Permission bits, by those of the file. */
  modeOf?: (mode: number) => number;
  owner?: TarOwner;
}

/** Permission bits with which everybody may what the owner may: for whoever unpacks it, whose number nobody here knows. */
export function openToAll(mode: number): number {
  const owner = (mode >> 6) & 7;
  return mode | (owner << 3) | owner;
}

/**
 * An archive of these entries, made as it is read: a buffer is good until the next is asked for. A file is as long as it was when it
 * was come to: one that got shorter meanwhile breaks the archive off, so that nobody takes it for whole.
 */
export function archiveOf(
  entries: AsyncIterable<Entry>,
  format: ArchiveFormat,
  words: TarWords = {},
): AsyncGenerator<Buffer> {
  if (format === 'zip') return read(zipOf(entries));
  const tar = tarOf(entries, words);
  return format === 'tar' ? tar : read(gzipped(tar));
}

/** As `archiveOf`, for who reads ahead: a stream. */
export function archiveStream(...what: Parameters<typeof archiveOf>): Readable {
  return Readable.from(kept(archiveOf(...what)), { objectMode: false });
}

async function* read(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } finally {
    stream.destroy();
  }
}

function gzipped(tar: AsyncIterable<Buffer>): Readable {
  const source = Readable.from(kept(tar), { objectMode: false });
  const gzip = createGzip();
  source.on('error', (error) => gzip.destroy(error));
  gzip.on('close', () => source.destroy());
  return source.pipe(gzip);
}

async function* tarOf(
  entries: AsyncIterable<Entry>,
  { modeOf = (mode) => mode, owner }: TarWords,
): AsyncGenerator<Buffer> {
  const room = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let used = 0;
  const put = (bytes: Buffer): void => {
    used += bytes.copy(room, used);
  };
  for await (const entry of entries) {
    const { path, type, stats, target } = entry;
    const { mtime: modified } = stats;
    if (type !== 'file' && type !== 'directory' && type !== 'link') continue;
    const size = type === 'file' ? stats.size : 0;
    const name = type === 'directory' ? `${path}/` : path;
    const fd = type === 'file' ? entry.open() : null;
    if (type === 'file' && fd === null) continue; // it has just gone, or is nobody's business
    try {
      const mode = modeOf(stats.mode & 0o777);
      const head = tarHead({ name, type, size, mode, owner, modified, target });
      const isSmall = size <= SMALL_BYTES;
      if (used + head.length + (isSmall ? size : 0) + TAR_END.length > room.length) {
        yield room.subarray(0, used);
        used = 0;
      }
      put(head);
      if (fd !== null && isSmall) used += readNow(fd, room.subarray(used, used + size));
      else if (fd !== null) {
        yield room.subarray(0, used);
        used = 0;
        yield* blocksOf(fd, size);
      }
      put(tarPadding(size));
    } finally {
      if (fd !== null) closeSync(fd);
    }
  }
  put(TAR_END);
  yield room.subarray(0, used);
}
