import { isDeepStrictEqual } from 'node:util';
import { Rejected } from '../../src/contract/outcome.ts';
import { AddressText } from '../../src/documents/call-url.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import type { Invocation } from '../../src/documents/invocation.ts';
import { optionsOf } from '../../src/documents/options.ts';
import { parseExact } from '../../src/platform/exact-json.ts';

/** The value that a text means. */
type Read = (text: string, key: string, format: unknown) => unknown;

export const text: Read = (value) => value;
/** Of a URL: without credentials. */
export const address: Read = (value, key) => {
  const { error } = AddressText.safeParse(value);
  if (error) throw fieldRefusal('invalid_invocation', fieldErrors(error, ['metadata', key]));
  return value;
};
export const list: Read = (value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
export const number: Read = (value, key) => {
  const parsed = Number(value);
  if (!Number.isFinite(parsed)) throw new Rejected(`${key} is not a number`);
  return parsed;
};
export const codes: Read = (value, key) =>
  (list(value, key, null) as string[]).map((code) => {
    if (!/^\d{3}$/.test(code)) throw new Rejected(`${key} is not a list of HTTP status codes`);
    return Number(code);
  });
/** JSON, also for a form, whose fields it has; raw text as it is. */
const body: Read = (value, key, format) => {
  if (format === 'raw') return value;
  try {
    return parseExact(value);
  } catch {
    throw new Rejected(`${key} is not valid JSON`);
  }
};

/** RxP metadata keys: which field of the spec each is, and how its text is read. */
export type MetadataKeys = Readonly<Record<string, { field: string; read: Read }>>;

/** Those of a request. */
export const REQUEST_KEYS: MetadataKeys = {
  'http.url': { field: 'url', read: address },
  'http.method': { field: 'method', read: text },
  'http.body_format': { field: 'body_format', read: text },
  'http.body': { field: 'body', read: body },
};

/**
 * `options.<optionKey>` together with what the metadata keys say. An empty value counts as absent. Throws
 * Rejected for a value that cannot be read, invalid_invocation for one that options has otherwise.
 */
export function withMetadata(
  { options, metadata }: Invocation,
  optionKey: string,
  keys: MetadataKeys,
): Record<string, unknown> {
  const given = optionsOf(options, optionKey) ?? {};
  const format = given.body_format ?? metadata['http.body_format'];
  const spec: Record<string, unknown> = { ...given };
  for (const [key, { field, read }] of Object.entries(keys)) {
    const value = metadata[key];
    if (value === undefined || value === '') continue;
    const meant = read(value, key, format);
    if (given[field] !== undefined && !isDeepStrictEqual(given[field], meant)) {
      const message = `has another value than options.${optionKey}.${field}`;
      throw new RunwireError('invalid_invocation', `metadata.${key}: ${message}`, {
        errors: [{ path: `metadata.${key}`, message }],
      });
    }
    spec[field] = meant;
  }
  return spec;
}
