import { closeSync } from 'node:fs';
import { type Duplex, Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { blocksOf, kept, readNow, SMALL_BYTES } from './blocks.ts';
import type { Entry } from './scan.ts';

/** Records of the directory of a zip are put together up to this. */
const BLOCK_BYTES = 64 * 1024;
/** What yazl says of an entry that is written. */
const DONE = 3;

/** What yazl has of an entry. */
interface Written {
  utf8FileName: Buffer;
  state: number;
  getCentralDirectoryRecord(): Buffer;
}

/**
 * yazl takes a backslash for a slash, and refuses what would be a disk elsewhere: here they are characters of a name. It is
 * given a name that it takes, and the entry its own one before anything of it is written. It also keeps each entry with the
 * streams that it came by, and looks through all of them for the next to be written: here of one that is written only its
 * record is kept, and it has but one at a time.
 */
class ExactZip extends ZipFile {
  readonly #names = new Map<string, string>();
  readonly #records: Buffer[] = [];
  #loose: Buffer[] = [];
  #looseBytes = 0;
  #count = 0;
  #entry: Written | null = null;
  #whenWritten = Promise.withResolvers<void>();

  constructor() {
    super();
    const { entries } = this.#inner;
    entries.push = (entry) => {
      const name = this.#names.get(entry.utf8FileName.toString());
      if (name !== undefined) entry.utf8FileName = Buffer.from(name);
      this.#entry = entry;
      this.#whenWritten = Promise.withResolvers();
      tellState(entry, (state) => state === DONE && this.#whenWritten.resolve());
      return Array.prototype.push.call(entries, entry);
    };
  }

  get #inner(): { entries: Written[] } {
    return this as unknown as { entries: Written[] };
  }

  /** What it is to be added as. */
  taken(path: string): string {
    this.#names.clear();
    if (!path.includes('\\') && !/^[a-zA-Z]:/.test(path)) return path;
    const taken = path.replaceAll('\\', '_').replace(':', '_');
    this.#names.set(taken, path).set(`${taken}/`, `${path}/`);
    return taken;
  }

  /** The entry that was added is written. To be waited for before the next is added. */
  async written(): Promise<void> {
    await this.#whenWritten.promise;
    const record = this.#entry?.getCentralDirectoryRecord();
    this.#inner.entries.length = 0;
    this.#entry = null;
    if (record === undefined) return;
    this.#count++;
    this.#loose.push(record);
    this.#looseBytes += record.length;
    if (this.#looseBytes > BLOCK_BYTES) this.#together();
  }

  override end(): void {
    this.#together();
    const done = { state: DONE } as Written;
    const entries = new Array<Written>(this.#count).fill(done);
    entries.forEach = (write) => {
      for (const [index, block] of this.#records.entries())
        write({ ...done, getCentralDirectoryRecord: () => block }, index, entries);
    };
    this.#inner.entries = entries;
    super.end();
  }

  #together(): void {
    this.#records.push(Buffer.concat(this.#loose));
    this.#loose = [];
    this.#looseBytes = 0;
  }
}

/** Calls back with each state that an entry comes to. */
function tellState(entry: Written, tell: (state: number) => void): void {
  let { state } = entry;
  Object.defineProperty(entry, 'state', {
    get: () => state,
    set: (next: number) => {
      state = next;
      tell(next);
    },
  });
}

/** A zip of these entries, made as it is read. */
export function zipOf(entries: AsyncIterable<Entry>): Readable {
  const zip = new ExactZip();
  const stream = zip.outputStream as unknown as Duplex;
  zip.on('error', (error: Error) => stream.destroy(error));
  const gone = new Promise<void>((resolve) => stream.once('close', resolve));
  const fill = async (): Promise<void> => {
    for await (const entry of entries) {
      if (stream.destroyed) return;
      if (!(await putInZip(zip, stream, entry))) continue;
      await Promise.race([zip.written(), gone]);
      if (stream.writableNeedDrain && !stream.destroyed) await drained(stream);
    }
    zip.end();
  };
  fill().catch((error: Error) => stream.destroy(error));
  return stream;
}

function drained(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

/** False: there is nothing to be put in. */
async function putInZip(zip: ExactZip, stream: Readable, entry: Entry): Promise<boolean> {
  const { type, stats, target } = entry;
  const path = zip.taken(entry.path);
  const words = { mtime: stats.mtime, mode: stats.mode };
  if (type === 'directory') zip.addEmptyDirectory(path, words);
  if (type === 'link') zip.addBuffer(Buffer.from(target ?? ''), path, { ...words, compress: false });
  if (type !== 'file') return type === 'directory' || type === 'link';
  const fd = entry.open();
  if (fd === null) return false;
  try {
    if (stats.size > SMALL_BYTES) await putLarge(zip, stream, fd, path, { ...words, size: stats.size });
    else {
      const content = Buffer.allocUnsafeSlow(stats.size);
      readNow(fd, content);
      // Streams cost more than what is in a small file.
      zip.addBuffer(content, path, { ...words, compress: stats.size > 0 });
    }
  } finally {
    closeSync(fd);
  }
  return true;
}

async function putLarge(
  zip: ExactZip,
  stream: Readable,
  fd: number,
  path: string,
  words: { mtime: Date; mode: number; size: number },
): Promise<void> {
  const content = Readable.from(kept(blocksOf(fd, words.size)), { objectMode: false });
  const over = new Promise<void>((done) => content.once('close', done));
  // Who reads the archive has gone, or a file is not what it was: neither ends the other by itself.
  const leave = (): void => void content.destroy();
  stream.once('close', leave);
  content.once('error', (error) => stream.destroy(error));
  zip.addReadStream(content, path, words);
  await over;
  stream.off('close', leave);
}
