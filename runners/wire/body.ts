import { closeSync, constants, createReadStream, openSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { Rejected } from '../../src/contract/outcome.ts';
import { isExactNumber, wordOf } from '../../src/platform/exact-json.ts';
import { hidesItsLength } from '../../src/platform/kernel-file.ts';
import type { BODY_FORMATS } from './spec.ts';

type Format = (typeof BODY_FORMATS)[number];

export interface RequestBody {
  content: Buffer | (() => Readable) | null;
  /** content-type, where the invocation gives none, and content-length of a stream. */
  headers: Record<string, string>;
}

const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  raw: 'text/plain; charset=utf-8',
};

/** The body an invocation gives. Throws Rejected, naming http.body, for what its format has no words for. */
export function encodeBody(body: unknown, format: Format = 'json'): RequestBody {
  if (body === undefined) return { content: null, headers: {} };
  return { content: Buffer.from(encode(body, format)), headers: { 'content-type': MEDIA_TYPES[format] } };
}

/** A file that is sent, as often as need be. */
export interface FileToSend {
  size: number;
  /** Its bytes from the first on, at most `size`. What it throws ends the exchange. */
  read(): AsyncIterable<Buffer>;
  /** Where `body_format` does not say. Default: that of JSON. */
  mediaType?: string;
}

/** The file of `input_payload_path`, with as many bytes as it has now. Throws Rejected where that cannot be known. */
export function fileAt(path: string): FileToSend {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (hidesItsLength(fd))
      throw new Rejected('input_payload_path has more bytes than its size says, and cannot be sent');
  } finally {
    closeSync(fd);
  }
  const { size } = statSync(path);
  return { size, read: () => createReadStream(path, { end: size - 1 }) };
}

/** As many bytes as were announced: with fewer the other side would wait for the rest. */
export function fileBody({ size, read, mediaType }: FileToSend, format: Format | undefined): RequestBody {
  const ofFormat =
    format === undefined ? mediaType : format === 'raw' ? 'application/octet-stream' : undefined;
  return {
    content: size === 0 ? null : () => Readable.from(whole(read(), size), { objectMode: false }),
    headers: {
      'content-type': ofFormat ?? MEDIA_TYPES[format ?? 'json'],
      ...(size === 0 ? {} : { 'content-length': String(size) }),
    },
  };
}

async function* whole(source: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let left = size;
  for await (const chunk of source) {
    left -= chunk.length;
    yield chunk;
  }
  if (left > 0) throw new Error('the file of the body became shorter while it was sent');
}

function encode(body: unknown, format: Format): string {
  if (format === 'json') return JSON.stringify(body);
  if (format === 'form') return form(body);
  if (typeof body !== 'string') throw new Rejected('http.body must be text when body_format is raw');
  return body;
}

function form(body: unknown): string {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || isExactNumber(body))
    throw new Rejected('http.body must be a JSON object when body_format is form');
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(body))
    for (const item of Array.isArray(value) ? value : [value]) {
      const word = item === null ? '' : wordOf(item);
      if (word === undefined)
        throw new Rejected(`http.body.${name} must be text, a number, true or false, or a list of these`);
      fields.append(name, word);
    }
  return fields.toString();
}
