import { closeSync, read as readLater } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { ZipFile } from 'yazl';
import type { Entry } from './scan.ts';

const read = promisify(readLater);

export const ARCHIVE_TYPES = {
  tar: 'application/x-tar',
  'tar.gz': 'application/gzip',
  zip: 'application/zip',
} as const;
export type ArchiveFormat = keyof typeof ARCHIVE_TYPES;

const BLOCK_BYTES = 128 * 1024;

/**
 * An archive of these entries, made as it is read. A file is as long as it was when it was come to: one that got shorter
 * meanwhile breaks the archive off, so that nobody takes it for whole. `modeOf`: permission bits, for a tar.
 */
export async function* archiveOf(
  entries: AsyncIterable<Entry>,
  format: ArchiveFormat,
  modeOf: (mode: number) => number = (mode) => mode,
): AsyncGenerator<Buffer> {
  const source = format === 'zip' ? zipOf(entries) : tarOf(entries, modeOf);
  const stream = format === 'tar.gz' ? gzipped(source) : source;
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } finally {
    stream.destroy();
    source.destroy();
  }
}

function gzipped(source: Readable): Readable {
  const gzip = createGzip();
  source.on('error', (error) => gzip.destroy(error));
  return source.pipe(gzip);
}

function tarOf(entries: AsyncIterable<Entry>, modeOf: (mode: number) => number): Readable {
  const tar = pack();
  // streamx streams are read as Node's are.
  const stream = Readable.from(tar as AsyncIterable<Buffer>, { objectMode: false });
  stream.on('close', () => tar.destroy());
  const fill = async (): Promise<void> => {
    for await (const entry of entries) {
      if (tar.destroyed) return;
      await putInTar(tar, entry, modeOf);
    }
    tar.finalize();
  };
  fill().catch((error: Error) => tar.destroy(error));
  return stream;
}

async function putInTar(
  tar: ReturnType<typeof pack>,
  entry: Entry,
  modeOf: (mode: number) => number,
): Promise<void> {
  const { path: name, type, stats, target } = entry;
  const head = { name, mode: modeOf(stats.mode & 0o777), mtime: stats.mtime };
  if (type === 'directory') return void tar.entry({ ...head, name: `${name}/`, type: 'directory' });
  if (type === 'link') return void tar.entry({ ...head, type: 'symlink', linkname: target ?? '' });
  if (type !== 'file') return;
  const fd = entry.open();
  if (fd === null) return; // it has just gone, or is nobody's business
  try {
    const sink = tar.entry({ ...head, size: stats.size });
    for await (const block of blocksOf(fd, stats.size))
      if (!sink.write(block))
        await new Promise<void>((drained) => sink.once('drain', drained).once('close', drained));
    sink.end(undefined);
    await new Promise<void>((done) => sink.once('close', () => done()));
  } finally {
    closeSync(fd);
  }
}

function zipOf(entries: AsyncIterable<Entry>): Readable {
  const zip = new ZipFile();
  const stream = zip.outputStream as unknown as Readable;
  const fill = async (): Promise<void> => {
    for await (const entry of entries) {
      if (stream.destroyed) return;
      await putInZip(zip, entry);
    }
    zip.end();
  };
  fill().catch((error: Error) => stream.destroy(error));
  return stream;
}

async function putInZip(zip: ZipFile, entry: Entry): Promise<void> {
  const { path, type, stats, target } = entry;
  const words = { mtime: stats.mtime, mode: stats.mode };
  if (type === 'directory') return zip.addEmptyDirectory(path, words);
  if (type === 'link') return zip.addBuffer(Buffer.from(target ?? ''), path, { ...words, compress: false });
  if (type !== 'file') return;
  const fd = entry.open();
  if (fd === null) return;
  const content = Readable.from(blocksOf(fd, stats.size), { objectMode: false });
  const over = new Promise<void>((done) => content.once('close', done));
  zip.addReadStream(content, path, { ...words, size: stats.size });
  await over.finally(() => closeSync(fd));
}

/** So many bytes of a file, as it was long. Throws Error where it is shorter by now. */
export const blocksOf = (fd: number, size: number): AsyncGenerator<Buffer> => blocksBetween(fd, 0, size);

export async function* blocksBetween(fd: number, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end; ) {
    const room = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, end - at));
    const { buffer, bytesRead } = await read(fd, room, 0, room.length, at);
    if (bytesRead === 0) throw new Error('a file got shorter while it was read');
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
