import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { openPromise } from 'yauzl';
import { RunwireError } from '../documents/errors.ts';
import { ByteFeed } from '../platform/byte-feed.ts';
import { messageOf } from '../platform/error-words.ts';
import { shortageOf } from '../platform/shortage.ts';
import { kept } from './blocks.ts';
import type { Filling } from './fill.ts';
import { BadName, decodedPartsOf } from './names.ts';
import { BadTar, type TarEntry, tarEntries } from './tar-entries.ts';
import { TreeClosed } from './tree.ts';
import { linkText, modeOf, nameOf, soundContent } from './zip-entry.ts';

/** What is no fault of the archive. */
const TOLD = [BadName, RunwireError, TreeClosed];
const NO_ARCHIVE = 'it is neither tar, gzip nor zip, or has nothing in it';
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZIPS = [Buffer.from('PK\x03\x04'), Buffer.from('PK\x05\x06')];
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** An archive that is not one, or breaks off. */
export class BadArchive extends Error {}

/**
 * Unpack a tar, a tar in gzip or a zip, told by its first bytes, into a tree while it comes, under the directory `into`.
 * A zip is kept at `aside` until it is whole: its contents are at its end. Throws BadName for an entry that is not taken,
 * BadArchive, RunwireError body_too_large, and what the storage says.
 */
export async function unpack(
  source: AsyncIterable<Buffer>,
  filling: Filling,
  { into = [], aside }: { into?: readonly string[]; aside: string },
): Promise<void> {
  const feed = new ByteFeed(source);
  await feed.atLeast(4);
  const head = feed.rest.subarray(0, 4);
  try {
    if (ZIPS.some((magic) => head.equals(magic))) await unpackZip(feed, filling, into, aside);
    else if (head.subarray(0, 2).equals(GZIP)) await unpackTar(unzipped(feed), filling, into);
    else await unpackTar(feed, filling, into);
  } catch (error) {
    if (TOLD.some((kind) => error instanceof kind) || shortageOf(error)) throw error;
    throw new BadArchive(`the archive cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}

/** What is in a gzip, with its errors. */
async function* unzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const fed = pipeline(kept(source), gunzip);
  fed.catch(() => {}); // told below, or by who reads
  for await (const chunk of gunzip) yield chunk as Buffer;
  await fed;
}

async function unpackTar(
  source: AsyncIterable<Buffer>,
  filling: Filling,
  into: readonly string[],
): Promise<void> {
  const modes = new Modes(filling);
  let isEmpty = true;
  try {
    for await (const entry of tarEntries(source)) {
      isEmpty = false;
      await takeTarEntry(entry, filling, into, modes);
    }
  } catch (error) {
    throw isEmpty && error instanceof BadTar ? new BadTar(NO_ARCHIVE, { cause: error }) : error;
  }
  if (isEmpty) throw new BadTar(NO_ARCHIVE);
  await modes.set();
}

async function takeTarEntry(
  { name, type, mode, modified, target, content }: TarEntry,
  filling: Filling,
  into: readonly string[],
  modes: Modes,
): Promise<void> {
  const place = placeOf(name, into);
  if (type === 'file') return filling.file({ parts: place, mode: mode & 0o777, modified }, content);
  if (type === 'directory') {
    filling.ledger.named();
    filling.tree.directory(place);
    modes.later(place, mode & 0o777);
  } else if (type === 'link') {
    filling.ledger.file();
    filling.tree.link(place, target);
    filling.files.push({ path: place.join('/'), mode: 0o120777, sha256: target });
  } else if (type === 'hard link') {
    filling.ledger.file();
    const of = placeOf(target, into);
    filling.ledger.take(filling.tree.hardLink(place, of));
    filling.files.push({ path: place.join('/'), mode: 0, sha256: of.join('/') });
  } else throw new BadName(name, `is a ${type}, which is not taken`);
  return filling.breathe();
}

async function unpackZip(
  source: AsyncIterable<Buffer>,
  filling: Filling,
  into: readonly string[],
  aside: string,
): Promise<void> {
  const { ledger } = filling;
  await pipeline(
    kept(source),
    async function* counted(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        ledger.take(chunk.length);
        yield chunk;
      }
    },
    createWriteStream(aside, { flags: 'wx', mode: 0o600 }),
  );
  // Names are decoded here: yauzl refuses characters that are nothing special in a name of Unix.
  const zip = await openPromise(aside, {
    lazyEntries: true,
    decodeStrings: false,
    validateEntrySizes: false, // done here, where the entry has a name
  });
  const modes = new Modes(filling);
  try {
    for await (const entry of zip.eachEntry()) {
      const name = nameOf(entry);
      const place = placeOf(name, into);
      const mode = modeOf(entry);
      if ((mode & S_IFMT) === S_IFDIR || name.endsWith('/')) {
        ledger.named();
        filling.tree.directory(place);
        if ((mode & 0o777) !== 0) modes.later(place, mode & 0o777);
        continue;
      }
      const content = soundContent(zip, entry, name);
      if ((mode & S_IFMT) === S_IFLNK) {
        ledger.file();
        const target = await linkText(content, name, entry);
        filling.tree.link(place, target);
        filling.files.push({ path: place.join('/'), mode: 0o120777, sha256: target });
      } else if ((mode & S_IFMT) !== S_IFREG && (mode & S_IFMT) !== 0)
        throw new BadName(name, 'is a special file, which is not taken');
      else
        await filling.file(
          { parts: place, mode: mode & 0o777 || 0o644, modified: entry.getLastModDate() },
          content,
        );
    }
  } finally {
    zip.close();
    await rm(aside, { force: true });
  }
  await modes.set();
}

/** `.` and `./` are the place itself. */
function placeOf(name: string, into: readonly string[]): string[] {
  return /^\.(?:\/+\.?)*$/.test(name) ? [...into] : [...into, ...decodedPartsOf(name)];
}

/** Modes of directories are set at last: one that may not be written to is filled before. */
class Modes {
  readonly #filling: Filling;
  readonly #all: [readonly string[], number][] = [];

  constructor(filling: Filling) {
    this.#filling = filling;
  }

  later(parts: readonly string[], mode: number): void {
    if (parts.length > 0) this.#all.push([parts, mode]);
  }

  async set(): Promise<void> {
    for (const [parts, mode] of this.#all.reverse()) {
      this.#filling.tree.directory(parts, mode);
      await this.#filling.breathe();
    }
  }
}
