import { ByteFeed } from '../../src/platform/byte-feed.ts';

/** The header of one part is not longer: a path has at most 4096 bytes. */
const MAX_HEAD_BYTES = 16 * 1024;
/** RFC 2046, 5.1.1. */
const MAX_BOUNDARY = 70;
const CRLF = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const CLOSE = Buffer.from('--');

/** A body that is no multipart/form-data, or breaks off; in words for the client. */
export class BadMultipart extends Error {}

/** One part of a body. */
export interface Part {
  name: string;
  /** Undefined: it is no file. */
  filename: string | undefined;
  /** To be read before the next part is asked for. A buffer is good until the next. */
  content: AsyncIterable<Buffer>;
}

/**
 * The parts of a multipart/form-data body (RFC 7578), as they come. What is not read of one is passed over. Throws BadMultipart and
 * what the body throws.
 */
export async function* multipart(body: AsyncIterable<Buffer>, contentType: string): AsyncGenerator<Part> {
  const delimiter = Buffer.from(`\r\n--${boundaryOf(contentType)}`);
  const feed = new ByteFeed(body, CRLF); // the first delimiter may be the first line
  let content = upTo(feed, delimiter);
  for (;;) {
    while (!(await content.next()).done);
    if (await isLast(feed)) break;
    const head = await headOf(feed);
    content = upTo(feed, delimiter);
    const taken = content;
    yield { ...wordsOf(head), content: { [Symbol.asyncIterator]: () => taken } };
  }
  // Whatever follows: the connection has a next request.
  for await (const _ of feed);
}

function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]*)"|([^\s;]*))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? '';
  if (boundary === '' || boundary.length > MAX_BOUNDARY)
    throw new BadMultipart(`the Content-Type has no boundary of 1 to ${MAX_BOUNDARY} characters`);
  return boundary;
}

/** The bytes before a delimiter, which is taken with them. Who leaves in between may go on later. */
function upTo(feed: ByteFeed, delimiter: Buffer): AsyncIterator<Buffer, undefined> {
  let over = false;
  return {
    async next() {
      while (!over) {
        const { rest } = feed;
        const at = rest.indexOf(delimiter);
        const sure = at === -1 ? rest.length - begunAtEnd(rest, delimiter) : at;
        if (sure > 0) return { done: false, value: feed.take(sure) };
        over = at === 0;
        if (over) feed.take(delimiter.length);
        else if (!(await feed.more())) throw new BadMultipart('it ends before its last boundary');
      }
      return { done: true, value: undefined };
    },
  };
}

/** How many bytes at the end may be the beginning of a delimiter. */
function begunAtEnd(bytes: Buffer, delimiter: Buffer): number {
  const first = delimiter[0] as number;
  let at = bytes.indexOf(first, Math.max(0, bytes.length - delimiter.length + 1));
  for (; at !== -1; at = bytes.indexOf(first, at + 1)) {
    const length = bytes.length - at;
    if (bytes.compare(delimiter, 0, length, at) === 0) return length;
  }
  return 0;
}

/** Behind a delimiter: was it the last one. */
async function isLast(feed: ByteFeed): Promise<boolean> {
  if (!(await feed.atLeast(2))) throw new BadMultipart('it ends within a boundary');
  return feed.rest.subarray(0, 2).equals(CLOSE);
}

async function headOf(feed: ByteFeed): Promise<string> {
  let from = 0;
  for (;;) {
    const at = feed.rest.indexOf(HEAD_END, from);
    if (at > MAX_HEAD_BYTES || (at === -1 && feed.rest.length > MAX_HEAD_BYTES))
      throw new BadMultipart(`the header of a part is longer than ${MAX_HEAD_BYTES} bytes`);
    if (at !== -1) {
      const [padding = '', ...lines] = feed.take(at).toString('utf8').split('\r\n');
      if (padding.trim() !== '') throw new BadMultipart('a boundary has something behind it');
      feed.take(HEAD_END.length);
      return lines.join('\r\n');
    }
    from = Math.max(0, feed.rest.length - HEAD_END.length + 1);
    if (!(await feed.more())) throw new BadMultipart('it ends within the header of a part');
  }
}

function wordsOf(head: string): Pick<Part, 'name' | 'filename'> {
  const line = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head)?.[1] ?? '';
  const words = new Map<string, string>();
  for (const [, key = '', quoted, plain = ''] of line.matchAll(
    /;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g,
  ))
    words.set(key.toLowerCase(), quoted?.replace(/\\(["\\])/g, '$1') ?? plain);
  const name = words.get('name');
  if (name === undefined)
    throw new BadMultipart('a part has no Content-Disposition of form-data with a name');
  return { name, filename: extended(words.get('filename*')) ?? words.get('filename') };
}

/** A value of RFC 8187 in UTF-8. */
function extended(value: string | undefined): string | undefined {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(value ?? '')?.[1];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new BadMultipart(`${value} is no filename*`);
  }
}
