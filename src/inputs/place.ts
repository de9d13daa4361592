import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Rejected } from '../contract/outcome.ts';
import { RunwireError } from '../documents/errors.ts';
import { checkLinks } from '../files/archive-links.ts';
import { Filling } from '../files/fill.ts';
import { Ledger, type UploadCaps } from '../files/ledger.ts';
import { BadName } from '../files/names.ts';
import { Tree } from '../files/tree.ts';
import { BadArchive, unpack } from '../files/unpack.ts';
import type { Bytes, Source } from './sources.ts';

export const FILE_MODE = 0o644;
const ANY: UploadCaps = { bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY };

/** A new file of these bytes. Rejects with the signal's reason. */
export async function placeFile(place: string, source: Source, signal: AbortSignal): Promise<void> {
  const tree = new Tree(dirname(place));
  try {
    const filling = new Filling(tree, new Ledger(ANY));
    filling.hashes = false;
    const words = { parts: [basename(place)], mode: FILE_MODE };
    await source((bytes) => filling.file(words, until(signal, bytes.read())));
  } finally {
    tree.close();
  }
}

/** A new directory of what is in an archive. Rejects with Rejected where that is not taken, or more than the caps allow. */
export async function placeArchive(
  place: string,
  source: Source,
  caps: UploadCaps,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(place, { mode: 0o755 });
  const tree = new Tree(place);
  try {
    await source(async (bytes) => {
      await prove(bytes, signal);
      await fillFrom(tree, until(signal, bytes.read()), caps, `${place}.archive`);
    });
  } catch (error) {
    const known = [BadName, BadArchive, RunwireError].some((kind) => error instanceof kind);
    throw known ? new Rejected((error as Error).message) : error;
  } finally {
    tree.close();
  }
}

async function fillFrom(
  tree: Tree,
  archive: AsyncIterable<Buffer>,
  caps: UploadCaps,
  aside: string,
): Promise<void> {
  const filling = new Filling(tree, new Ledger(caps));
  filling.hashes = false;
  await unpack(archive, filling, { aside });
  await checkLinks(tree.links.keys(), (path) => tree.links.get(path) ?? null);
}

/** What unpacks an archive need not read it to its end. */
async function prove(bytes: Bytes, signal: AbortSignal): Promise<void> {
  for await (const _ of until(signal, bytes.read()));
}

async function* until(signal: AbortSignal, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  for await (const bytes of source) {
    yield bytes;
    signal.throwIfAborted();
  }
}
