import { Rejected } from '../../src/contract/outcome.ts';
import { hasCredentials } from '../../src/documents/call-url.ts';
import type { TraceContext } from '../../src/documents/trace-context.ts';
import type { WireRequest } from '../../src/outbound/exchange.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { wordOf } from '../../src/platform/exact-json.ts';
import { encodeBody, type FileToSend, fileAt, fileBody } from './body.ts';
import { isFieldValue, isToken, setByConnection } from './header.ts';
import { authHeaders } from './secrets.ts';
import { checkAuthorities, type RequestSpec } from './spec.ts';

export interface RequestParts {
  secrets: Secrets;
  /** The file that is the body where the spec has none. */
  inputPath?: string | null;
  /** The same, before `inputPath`. */
  file?: FileToSend | null;
  /** Its baggage stays here: it may be private to the caller. */
  trace?: TraceContext;
}

/** What is sent first. Throws Rejected, naming the field, for what cannot be sent. */
export function buildRequest(
  spec: RequestSpec,
  { secrets, inputPath, file, trace = {} }: RequestParts,
): WireRequest {
  const url = requestUrl(spec.url ?? '', 'http.url');
  appendQuery(url, spec.query ?? {});
  const method = (spec.method ?? 'POST').toUpperCase();
  if (!isToken(method) || method === 'CONNECT')
    throw new Rejected(`http.method: ${JSON.stringify(spec.method)} cannot be sent`);
  const sent = file ?? (spec.body === undefined && inputPath ? fileAt(inputPath) : null);
  const body = sent ? fileBody(sent, spec.body_format) : encodeBody(spec.body, spec.body_format);
  const secret = authHeaders(spec.auth, secrets, url.hostname, 'http');
  const headers = {
    'user-agent': 'runwire',
    // Without the header any coding would be welcome (RFC 9110, 12.5.3).
    'accept-encoding': 'identity',
    ...(trace.traceparent !== undefined && { traceparent: trace.traceparent }),
    ...(trace.tracestate !== undefined && { tracestate: trace.tracestate }),
    ...body.headers,
    ...ownHeaders(spec.headers),
    ...secret,
  };
  checkHeaders(headers);
  checkAuthorities(spec.tls?.ca);
  return { method, url, headers, body: body.content, ours: Object.keys(secret) };
}

/** Throws Rejected for what is not an absolute http(s) URL, or has a user or password, which everybody could read. */
export function requestUrl(text: string, field: string, base?: URL): URL {
  if (!URL.canParse(text, base)) throw new Rejected(`${field} is not a URL`);
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Rejected(`${field}: the scheme ${JSON.stringify(url.protocol)} is not http or https`);
  if (hasCredentials(text)) throw new Rejected(`${field} must not contain a user or password`);
  url.hash = '';
  return url;
}

/** Behind the query that the URL has, which stays as it was given. */
function appendQuery(url: URL, query: NonNullable<RequestSpec['query']>): void {
  const more = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const item of [value].flat()) more.append(name, wordOf(item) ?? '');
  if (more.size === 0) return;
  url.search = url.search === '' ? more.toString() : `${url.search}&${more}`;
}

function ownHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (setByConnection(name)) throw new Rejected(`http.headers.${name} is set by the connection`);
      return [name.toLowerCase(), value];
    }),
  );
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name)) throw new Rejected(`http.headers: ${JSON.stringify(name)} is not a header name`);
    if (!isFieldValue(value)) throw new Rejected(`http.headers.${name} has characters that cannot be sent`);
  }
}
