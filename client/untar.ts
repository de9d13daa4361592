import { ProtocolError } from './errors.ts';

/** Something in an archive, in its order. `body` is there until the next is asked for. */
export interface UntarredEntry {
  /** Relative, with slashes, none at its end. */
  path: string;
  type: 'file' | 'directory' | 'link';
  size: number;
  /** Permission bits. */
  mode: number;
  modifiedAt: Date;
  /** Of a link: what it says. */
  target: string | null;
  body: AsyncIterable<Uint8Array>;
}

const BLOCK = 512;
const TYPES: { readonly [flag: string]: UntarredEntry['type'] } = {
  '0': 'file',
  '\0': 'file',
  '5': 'directory',
  '2': 'link',
};

/** What is in a tar (POSIX pax, and long names of GNU). Throws ProtocolError where it breaks off, or has something else in it. */
export async function* untarred(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<UntarredEntry, void, void> {
  const source = new Source(bytes);
  let more: { [name: string]: string } = {};
  for (;;) {
    const head = await source.take(BLOCK);
    const flag = String.fromCharCode(head[156] ?? 0);
    if (head.every((byte) => byte === 0)) {
      await source.rest();
      return;
    }
    const size = Number(more.size ?? number(head, 124, 12));
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (flag === 'x' || flag === 'L' || flag === 'K' || flag === 'g') {
      const text = new TextDecoder().decode(await source.take(size));
      await source.take(padding);
      if (flag === 'x') more = { ...more, ...recordsOf(text) };
      if (flag === 'L') more.path = text.replace(/\0.*$/s, '');
      if (flag === 'K') more.linkpath = text.replace(/\0.*$/s, '');
      continue;
    }
    const type = TYPES[flag];
    if (type === undefined) throw broken(`has an entry of the type ${JSON.stringify(flag)}`);
    const prefix = field(head, 257, 6) === 'ustar' ? field(head, 345, 155) : '';
    const path = (more.path ?? (prefix === '' ? '' : `${prefix}/`) + field(head, 0, 100)).replace(/\/+$/, '');
    const target = type === 'link' ? (more.linkpath ?? field(head, 157, 100)) : null;
    const body = source.next(size);
    const modifiedAt = new Date(1000 * Number(more.mtime ?? number(head, 136, 12)));
    more = {};
    yield { path, type, size, mode: number(head, 100, 8) & 0o7777, modifiedAt, target, body };
    for await (const _ of body); // what was not read
    await source.take(padding);
  }
}

/** Bytes that are taken in other pieces than they come in. */
class Source {
  readonly #parts: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array();

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#parts = bytes[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Uint8Array> {
    const all = new Uint8Array(count);
    let at = 0;
    for await (const part of this.next(count)) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** The next so many bytes; iterated again, what is left of them. */
  next(count: number): AsyncIterable<Uint8Array> {
    let left = count;
    const some = (): Promise<Uint8Array> => this.#some(left);
    return {
      async *[Symbol.asyncIterator]() {
        while (left > 0) {
          const part = await some();
          left -= part.length;
          yield part;
        }
      },
    };
  }

  /** To the end, so that it is proved. */
  async rest(): Promise<void> {
    while (!(await this.#parts.next()).done);
  }

  async #some(most: number): Promise<Uint8Array> {
    while (this.#held.length === 0) {
      const { done, value } = await this.#parts.next();
      if (done) throw broken('breaks off');
      this.#held = value;
    }
    const part = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(part.length);
    return part;
  }
}

function field(head: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(head.subarray(at, at + length)).replace(/\0.*$/s, '');
}

/** Octal, or of GNU the bytes of a large number. */
function number(head: Uint8Array, at: number, length: number): number {
  const bytes = head.subarray(at, at + length);
  if (((bytes[0] ?? 0) & 0x80) === 0) return Number.parseInt(field(head, at, length).trim() || '0', 8);
  return bytes.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
}

function recordsOf(text: string): { [name: string]: string } {
  const records: { [name: string]: string } = {};
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(new TextDecoder().decode(bytes.subarray(at, space)));
    if (space === -1 || !(length > space - at)) throw broken('has a record that is none');
    const [, name = '', value = ''] =
      /^([^=]*)=(.*)$/s.exec(new TextDecoder().decode(bytes.subarray(space + 1, at + length - 1))) ?? [];
    records[name] = value;
    at += length;
  }
  return records;
}

const broken = (words: string): ProtocolError =>
  new ProtocolError(`the archive ${words}`, { code: 'unexpected_answer' });
