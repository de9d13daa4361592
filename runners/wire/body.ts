import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Rejected } from '../../src/contract/outcome.ts';
import { isExactNumber, wordOf } from '../../src/platform/exact-json.ts';
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

/** The bytes of a file, as many as it has now. */
export function fileBody(path: string, format: Format | undefined): RequestBody {
  const { size } = statSync(path);
  const type = format === 'raw' ? 'application/octet-stream' : MEDIA_TYPES[format ?? 'json'];
  return {
    content: size === 0 ? null : () => createReadStream(path, { end: size - 1 }),
    headers: { 'content-type': type, ...(size === 0 ? {} : { 'content-length': String(size) }) },
  };
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
