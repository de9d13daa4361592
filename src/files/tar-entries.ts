import { ByteFeed } from '../platform/byte-feed.ts';
import { BadName } from './names.ts';

const BLOCK_BYTES = 512;
/** What an extended header, or a long name, may have. */
const MAX_EXTENDED_BYTES = 1024 * 1024;
/** Contents up to this are given as a whole. */
const SMALL_BYTES = 64 * 1024;

const TYPES = {
  '\0': 'file',
  '0': 'file',
  '1': 'hard link',
  '2': 'link',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'FIFO',
  '7': 'file',
} as const;

/** An entry of a tar. */
export interface TarEntry {
  name: string;
  type: (typeof TYPES)[keyof typeof TYPES];
  mode: number;
  modified: Date;
  /** Of links: their text. */
  target: string;
  /** Of files: bytes. */
  size: number;
  /** To be read before the next entry is asked for. A buffer is good until the next. */
  content: Buffer | AsyncIterable<Buffer>;
}

/** A tar that is none, or breaks off. */
export class BadTar extends Error {}

/**
 * The entries of a tar (v7, ustar, pax, GNU), as they come. What is not read of one is passed over; empty blocks are too. Throws BadTar,
 * BadName for what is no plain entry, and what the source throws.
 */
export async function* tarEntries(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const feed = source instanceof ByteFeed ? source : new ByteFeed(source);
  let always: Words = {};
  let next: Words = {};
  while (await feed.atLeast(1)) {
    if (!(await feed.atLeast(BLOCK_BYTES))) throw brokenOff();
    const block = feed.take(BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) continue;
    checkSum(block);
    const flag = text(block, 156, 1) || '\0';
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      const bytes = await extension(feed, sizeOf(block));
      if (flag === 'g') always = { ...always, ...paxWords(bytes) };
      else if (flag === 'x') next = { ...next, ...paxWords(bytes) };
      else next[flag === 'L' ? 'path' : 'linkpath'] = text(bytes, 0, bytes.length);
      continue;
    }
    const words = { ...always, ...next };
    next = {};
    const entry = entryOf(block, flag, words);
    const { size } = entry;
    if (size <= SMALL_BYTES && feed.rest.length >= padded(size)) {
      const content = feed.take(padded(size)).subarray(0, size);
      yield { ...entry, content };
      continue;
    }
    const content = new Content(feed, size);
    yield { ...entry, content };
    await content.pass();
  }
}

/** What extended headers say, by their keys. */
type Words = Record<string, string>;

function entryOf(block: Buffer, flag: string, words: Words): Omit<TarEntry, 'content'> {
  // Of GNU the place of the prefix has other things.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : '';
  const short = text(block, 0, 100);
  const name = words.path ?? (prefix === '' ? short : `${prefix}/${short}`);
  let type = TYPES[flag as keyof typeof TYPES];
  // GNU tar has two forms of them: a type of its own, and fields of pax. Their bytes begin with a map.
  if (flag === 'S' || Object.keys(words).some((key) => key.startsWith('GNU.sparse.')))
    throw new BadName(
      words['GNU.sparse.name'] ?? name,
      'is a sparse file, which is not taken: tar without --sparse',
    );
  if (type === undefined)
    throw new BadName(name, `is of the type ${JSON.stringify(flag)}, which is not taken`);
  // Old ones tell a directory by its name.
  if (type === 'file' && name.endsWith('/')) type = 'directory';
  const said = words.size === undefined ? sizeOf(block) : Number(words.size);
  if (!Number.isSafeInteger(said) || said < 0) throw new BadName(name, 'has a size that is none');
  const seconds = Number(words.mtime ?? number(block, 136, 12));
  if (!Number.isFinite(seconds)) throw new BadName(name, 'has a time that is none');
  return {
    name,
    type,
    mode: number(block, 100, 8),
    modified: new Date(seconds * 1000),
    target: words.linkpath ?? text(block, 157, 100),
    // Of a link it is that of what it leads to, in some tars: no bytes of it follow.
    size: type === 'file' ? said : 0,
  };
}

/** So many bytes, and what fills their last block. */
class Content implements AsyncIterable<Buffer> {
  readonly #feed: ByteFeed;
  #left: number;
  #padding: number;

  constructor(feed: ByteFeed, size: number) {
    this.#feed = feed;
    this.#left = size;
    this.#padding = padded(size) - size;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return {
      next: async () => {
        if (this.#left === 0) return { done: true, value: undefined };
        if (!(await this.#feed.atLeast(1))) throw brokenOff();
        const value = this.#feed.take(this.#left);
        this.#left -= value.length;
        return { done: false, value };
      },
    };
  }

  /** To what is behind it. */
  async pass(): Promise<void> {
    for await (const _ of this);
    if (!(await this.#feed.atLeast(this.#padding))) throw brokenOff();
    this.#feed.take(this.#padding);
  }
}

async function extension(feed: ByteFeed, size: number): Promise<Buffer> {
  if (size > MAX_EXTENDED_BYTES)
    throw new BadTar(`an extended header has more than ${MAX_EXTENDED_BYTES} bytes`);
  const pieces: Buffer[] = [];
  const content = new Content(feed, size);
  for await (const piece of content) pieces.push(Buffer.from(piece));
  await content.pass();
  return Buffer.concat(pieces);
}

const LINE_END = 0x0a;

/** Lines of `length key=value`. */
function paxWords(bytes: Buffer): Words {
  const words: Words = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const length = Number(bytes.toString('latin1', at, Math.max(at, space)));
    const line = bytes.subarray(space + 1, at + length - 1).toString('utf8');
    const equals = line.indexOf('=');
    if (space === -1 || !(length > space - at) || bytes[at + length - 1] !== LINE_END || equals === -1)
      throw new BadTar('an extended header is broken');
    words[line.slice(0, equals)] = line.slice(equals + 1);
    at += length;
  }
  return words;
}

function checkSum(block: Buffer): void {
  let sum = 0;
  for (const byte of block) sum += byte;
  // As if there were spaces in its own place.
  for (let at = 148; at < 156; at++) sum += 32 - (block[at] as number);
  if (sum !== number(block, 148, 8)) throw new BadTar('the header of an entry is broken');
}

function sizeOf(block: Buffer): number {
  const size = number(block, 124, 12);
  if (!Number.isSafeInteger(size) || size < 0) throw new BadTar('the size of an entry is none');
  return size;
}

/** Octal digits, or a number of base 256 where they are too few. NaN where it is none. */
function number(block: Buffer, at: number, length: number): number {
  const first = block[at] as number;
  if (first < 0x80) {
    const digits = text(block, at, length).trim();
    return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
  }
  let value = first === 0xff ? -1 : first & 0x7f;
  for (let i = at + 1; i < at + length; i++) value = value * 256 + (block[i] as number);
  return value;
}

/** Up to a NUL. */
function text(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

const padded = (size: number): number => Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
const brokenOff = (): BadTar => new BadTar('it breaks off');
