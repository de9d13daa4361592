import { isDeepStrictEqual } from 'node:util';
import { AddressText } from '../../src/call-url.ts';
import { RunwireError } from '../../src/errors.ts';
import { fieldErrors, refusal } from '../../src/field-errors.ts';
import type { Invocation } from '../../src/invocation.ts';
import { Rejected } from '../../src/runner.ts';

type Read = (text: string, key: string, format: unknown) => unknown;

const text: Read = (value) => value;
const address: Read = (value, key) => {
  const { error } = AddressText.safeParse(value);
  if (error) throw refusal('invalid_invocation', fieldErrors(error, ['metadata', key]));
  return value;
};
const list: Read = (value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
const number: Read = (value, key) => {
  const parsed = Number(value);
  if (!Number.isFinite(parsed)) throw new Rejected(`${key} is not a number`);
  return parsed;
};
const codes: Read = (value, key) =>
  (list(value, key, null) as string[]).map((code) => {
    if (!/^\d{3}$/.test(code)) throw new Rejected(`${key} is not a list of HTTP status codes`);
    return Number(code);
  });
/** JSON, also for a form, whose fields it has; raw text as it is. */
const body: Read = (value, key, format) => {
  if (format === 'raw') return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new Rejected(`${key} is not valid JSON`);
  }
};

/** The RxP metadata keys: which field of the spec each is, and how its text is read. */
const REQUEST_KEYS: Readonly<Record<string, { field: string; read: Read }>> = {
  'http.url': { field: 'url', read: address },
  'http.method': { field: 'method', read: text },
  'http.body_format': { field: 'body_format', read: text },
  'http.body': { field: 'body', read: body },
};
const POLL_KEYS: typeof REQUEST_KEYS = {
  'http.poll_url_template': { field: 'poll_url_template', read: address },
  'http.poll_run_id_path': { field: 'poll_run_id_path', read: text },
  'http.poll_status_path': { field: 'poll_status_path', read: text },
  'http.poll_terminal_states': { field: 'poll_terminal_states', read: list },
  'http.poll_success_states': { field: 'poll_success_states', read: list },
  'http.poll_interval_seconds': { field: 'poll_interval_seconds', read: number },
  'http.poll_pending_codes': { field: 'poll_pending_codes', read: codes },
};
const KEYS = { http: REQUEST_KEYS, http_async: { ...REQUEST_KEYS, ...POLL_KEYS } };

/**
 * `options.<kind>` together with what the RxP metadata keys say. An empty value counts as absent. Throws
 * Rejected for a value that cannot be read, invalid_invocation for one that options has otherwise.
 */
export function withMetadata(
  { options, metadata }: Invocation,
  kind: keyof typeof KEYS,
): Record<string, unknown> {
  const given = options[kind] ?? {};
  const format = given.body_format ?? metadata['http.body_format'];
  const spec: Record<string, unknown> = { ...given };
  for (const [key, { field, read }] of Object.entries(KEYS[kind])) {
    const value = metadata[key];
    if (value === undefined || value === '') continue;
    const meant = read(value, key, format);
    if (given[field] !== undefined && !isDeepStrictEqual(given[field], meant)) {
      const message = `has another value than options.${kind}.${field}`;
      throw new RunwireError('invalid_invocation', `metadata.${key}: ${message}`, {
        errors: [{ path: `metadata.${key}`, message }],
      });
    }
    spec[field] = meant;
  }
  return spec;
}
