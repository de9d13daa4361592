import { Agent, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';

/** Answers with these have no body (Fetch, "null body status"). */
const BODILESS = [204, 205, 304];

/** Each exchange has a connection of its own, so that none meets the end of one that was kept. */
const agent = new Agent({ keepAlive: false });

/**
 * fetch by Node's HTTP client, for `http:` addresses of this machine: it goes through no proxy, whatever the environment says, and follows no
 * redirect. The answer is read no faster than it is taken; a signal, or a body that is not read on, breaks its connection.
 */
export const localFetch: typeof fetch = async (address, init = {}) => {
  const { signal, method = 'GET' } = init;
  signal?.throwIfAborted();
  const headers = new Headers(init.headers);
  const { bytes, stream, type } = bodyOf(init.body ?? null);
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type);
  if (bytes !== null) headers.set('content-length', String(bytes.length));
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const asked = request(String(address), {
    ...{ agent, method, headers: Object.fromEntries(headers) },
    ...(signal && { signal }),
  });
  asked.once('response', resolve);
  asked.on('error', reject);
  if (stream === null) asked.end(bytes ?? undefined);
  else pipeline(Readable.fromWeb(stream as NodeStream), asked).catch(reject);
  const answer = await promise;
  const { statusCode: status = 500 } = answer;
  const isBodiless = method === 'HEAD' || BODILESS.includes(status);
  if (isBodiless) answer.resume();
  const body = isBodiless ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
  return new Response(body, { status, headers: headersOf(answer) });
};

interface Body {
  bytes: Buffer | null;
  stream: ReadableStream<Uint8Array> | null;
  /** The media type that it brings. */
  type: string | null;
}

function bodyOf(body: NonNullable<RequestInit['body']> | null): Body {
  if (body === null) return { bytes: null, stream: null, type: null };
  if (typeof body === 'string') return { bytes: Buffer.from(body), stream: null, type: null };
  if (body instanceof Uint8Array) return { bytes: Buffer.from(body), stream: null, type: null };
  const { body: stream, headers } = new Response(body);
  return { bytes: null, stream, type: headers.get('content-type') };
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  return headers;
}
