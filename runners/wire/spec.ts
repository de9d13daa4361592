import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { Rejected } from '../../src/contract/outcome.ts';
import { bounded } from '../../src/documents/bounded.ts';
import { AddressText } from '../../src/documents/call-url.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import { partsOf } from '../../src/files/names.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { type ExactNumber, isExactNumber } from '../../src/platform/exact-json.ts';
import { Auth, secretHeaderOf } from './secrets.ts';

export const BODY_FORMATS = ['json', 'form', 'raw'] as const;

/** A number whose digits a double would not keep. */
const Digits = z.custom<ExactNumber>(isExactNumber).meta({ type: 'number' });
/** A server that takes more of them is not known. */
const MAX_HEADERS = 1000;
const Text = z.union([z.string(), z.number(), z.boolean(), Digits]);

/** The request of both HTTP kinds. What has a default here is undefined when it was not given. */
export const requestFields = {
  url: AddressText.optional().describe('http or https'),
  method: z.string().optional().describe('Default: POST'),
  headers: bounded(z.record(z.string(), z.string()), MAX_HEADERS).optional(),
  query: bounded(z.record(z.string(), z.union([Text, z.array(Text)])))
    .optional()
    .describe('Added to the query of the URL'),
  body: z.unknown().optional().describe('Default: the file of input_payload_path, else none'),
  body_format: z.enum(BODY_FORMATS).optional().describe('Default: json'),
  follow_redirects: z.number().int().min(0).max(20).optional().describe('At most; default 10, 0: none'),
  tls: z
    .strictObject({
      ca: z.string().min(1).optional().describe('PEM of the authorities to trust instead of the usual ones'),
      verify: z.boolean().optional().describe('Default: true'),
    })
    .optional(),
  auth: Auth.optional(),
};
/** Those whose numbers are sent digit by digit as they came. */
export const VERBATIM = ['body', 'query'];
/** Those in which placeholders of assets are filled. */
export const PLACEHOLDERS = ['url', 'headers', 'query', 'body'];
/** The same, as RxP metadata. */
export const PLACEHOLDERS_IN_METADATA = ['http.url', 'http.body'];
const Request = z.strictObject(requestFields);
export type RequestSpec = z.infer<typeof Request>;

export const RETRY_ON = ['connect', '5xx', '429'] as const;

/** Where a spec names a header beside `headers`, and the path of that. */
export type NamedHeader = readonly [name: string, path: readonly string[]];

/**
 * Each header is named once, whatever the case of its letters: of two, one would win, or hide the secret. Beside a secret
 * nothing says another host than the one that gets it: in TLS, or behind a proxy, Host decides who that is.
 */
export function checkHeaderNames<Spec extends RequestSpec>(
  more: (spec: Spec) => readonly NamedHeader[] = () => [],
) {
  return (spec: Spec, context: z.RefinementCtx): void => {
    const { headers = {}, auth } = spec;
    const refuse = (path: readonly string[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const named = new Set(auth === undefined ? [] : [secretHeaderOf(auth)]);
    const own = Object.keys(headers).map((name): NamedHeader => [name, ['headers', name]]);
    for (const [name, path] of [...own, ...more(spec)]) {
      const lower = name.toLowerCase();
      if (auth !== undefined && lower === 'host') refuse(path, 'Host cannot be set beside a secret');
      else if (named.has(lower)) refuse(path, `${name} is another header of the request already`);
      named.add(lower);
    }
  };
}

/** Of a file in the working directory. */
const InnerPath = z.string().superRefine((path, context) => {
  try {
    partsOf(path);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

export const HttpSpec = z
  .strictObject({
    ...requestFields,
    body_file: InnerPath.optional().describe('A file in the working directory that is the body'),
    save_as: InnerPath.optional().describe(
      'Where in the working directory the body of an answer that is a success is written to as well',
    ),
    expect: z
      .array(
        z.union([
          z.number().int().min(200).max(599),
          z.string().regex(/^[2-5]xx$/, { error: 'must be a status, 2xx, 3xx, 4xx or 5xx' }),
        ]),
      )
      .min(1)
      .optional()
      .describe('Statuses that are a success; default 2xx'),
    retry: z
      .strictObject({
        attempts: z.number().int().min(1).max(100).describe('In all, the first included'),
        on: z.array(z.enum(RETRY_ON)).min(1).optional().describe('Default: all of them'),
        backoff_seconds: z
          .number()
          .nonnegative()
          .max(3600)
          .optional()
          .describe('Before the second; doubles. Default 0.5'),
      })
      .optional()
      .describe('Off by default'),
  })
  .refine(({ body, body_file }) => body === undefined || body_file === undefined, {
    path: ['body_file'],
    error: 'cannot be given beside a body',
  })
  .superRefine(checkHeaderNames());
export type HttpSpec = z.infer<typeof HttpSpec>;

/**
 * Problems of the form of a document, and by `custom` those of what must not be kept or sent: credentials that a record
 * would show, headers beside a secret. All others are about what can be sent.
 */
const MALFORMED = new Set(['unrecognized_keys', 'invalid_type', 'invalid_union', 'invalid_key', 'custom']);

/**
 * Checks a spec that was put together from options, metadata and presets. Throws invalid_invocation for
 * unknown keys and wrong types, Rejected, naming fields, for values that cannot be sent.
 */
export function checkSpec<Spec>(schema: z.ZodType<Spec>, candidate: unknown, kind: string): Spec {
  const parsed = schema.safeParse(candidate);
  if (parsed.success) return parsed.data;
  if (parsed.error.issues.some(({ code }) => MALFORMED.has(code)))
    throw fieldRefusal('invalid_invocation', fieldErrors(parsed.error, ['options', kind]));
  const [first] = fieldErrors(parsed.error, ['http']);
  throw new Rejected(`${first?.path}: ${first?.message}`);
}

/** Throws Rejected for a `ca` that is not certificates in PEM: TLS would take it for an empty list. */
export function checkAuthorities(ca: string | undefined): void {
  if (ca === undefined) return;
  const blocks = ca.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  if (blocks.length === 0) throw new Rejected('http.tls.ca has no certificate in PEM');
  for (const block of blocks)
    try {
      new X509Certificate(block);
    } catch {
      throw new Rejected('http.tls.ca has a certificate that cannot be read');
    }
}
