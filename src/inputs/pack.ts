import { once } from 'node:events';
import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { CannotBegin } from '../contract/outcome.ts';
import { kept } from '../files/blocks.ts';
import { oneFileTar } from '../files/one-file-tar.ts';
import { archiveOf, openToAll } from '../files/pack.ts';
import type { Entry } from '../files/scan.ts';
import { wholeTree } from '../files/whole.ts';
import { removeTree } from '../platform/remove-tree.ts';
import { shortageOf, storageText } from '../platform/shortage.ts';
import { FILE_MODE } from './place.ts';
import type { Source } from './sources.ts';

/** A tar of one file under this name. Its error is that of the source. */
export function packFile(name: string, source: Source): Readable {
  return streamed((out, signal) =>
    source(({ size, read }) =>
      write(out, oneFileTar({ name, size, mode: openToAll(FILE_MODE) }, read()), signal),
    ),
  );
}

/**
 * A tar of a directory under this name, which `make` makes at a place that is free, with what it needs beside it. All that is in `room` goes
 * when it has been read.
 */
export function packDirectory(
  name: string,
  room: string,
  make: (place: string, signal: AbortSignal) => Promise<void>,
): Readable {
  const place = join(room, 'tree');
  return streamed(async (out, signal) => {
    try {
      // What a crash left of it.
      await removeTree(room);
      await mkdir(room, { recursive: true, mode: 0o700 });
      await make(place, signal);
      await write(out, archiveOf(below(name, place), 'tar', { modeOf: openToAll }), signal);
    } finally {
      await removeTree(room);
      await rmdir(dirname(room)).catch(() => {}); // others are in it
    }
  });
}

async function* below(name: string, root: string): AsyncGenerator<Entry> {
  const now = new Date();
  const stats = { size: 0, mode: 0o755, mtime: now, mtimeMs: now.getTime() };
  yield { path: name, type: 'directory', stats, open: () => null };
  for await (const entry of wholeTree({ root, isPrivate: () => false }))
    yield { ...entry, path: `${name}/${entry.path}` };
}

async function write(out: PassThrough, tar: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  for await (const bytes of kept(tar)) {
    signal.throwIfAborted();
    if (!out.write(bytes)) await once(out, 'drain', { signal });
  }
}

/** Whoever reads it has the error of `work`, and the end when that is over; who stops reading stops it. */
function streamed(work: (out: PassThrough, signal: AbortSignal) => Promise<void>): Readable {
  const out = new PassThrough();
  const stopped = new AbortController();
  out.once('close', () => stopped.abort());
  work(out, stopped.signal).then(
    () => out.end(),
    (error: unknown) => out.destroy(told(error)),
  );
  return out;
}

function told(error: unknown): Error {
  if (shortageOf(error))
    return new CannotBegin(`what it is given cannot be made: ${storageText(error)}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
