import { hasCredentials } from '../../src/documents/call-url.ts';
import {
  type AnswerHead,
  type Connections,
  type Exchange,
  exchange,
  type Taker,
  type WireRequest,
} from './client.ts';

/** Methods that ask for nothing to be done (RFC 9110, 9.2.1): sent twice they do no harm. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** What may go along to another origin: the rest was meant for the one it was given for. */
const PUBLIC_HEADERS = new Set(['accept', 'accept-language', 'content-type', 'content-length', 'user-agent']);

export function isSafe(method: string): boolean {
  return SAFE.has(method.toUpperCase());
}

const DEFAULT_REDIRECTS = 10;

/** A redirect that is not followed. */
export class NotFollowed extends Error {}

export interface Hop {
  status: number;
  url: string;
}

/** An exchange with the redirects on its way. `sent` counts for all hops. */
export interface Journey extends Exchange {
  url: URL;
  redirects: Hop[];
  /** A request that may have done something left this machine. */
  unsafeSent: boolean;
}

/**
 * Send a request and follow at most `limit` (10) redirects; with 0 a redirect is the answer. Every hop is
 * checked by the guard as it connects. Methods change as RFC 9110 (15.4) and browsers have it.
 */
export async function travel(
  connections: Connections,
  first: WireRequest,
  taker: Taker,
  signal: AbortSignal,
  limit = DEFAULT_REDIRECTS,
): Promise<Journey> {
  let request = first;
  const redirects: Hop[] = [];
  let sent = false;
  let unsafeSent = false;
  for (;;) {
    let next: WireRequest | Error | null = null;
    const hop = await exchange(
      connections,
      request,
      {
        head: (head) => {
          if (limit > 0) next = follow(request, head, redirects.length >= limit);
          return next === null && taker.head(head);
        },
        data: taker.data,
      },
      signal,
    );
    sent ||= hop.sent;
    unsafeSent ||= hop.sent && !isSafe(request.method);
    const target = next as WireRequest | Error | null; // set in the callback
    const journey = { ...hop, url: request.url, redirects, sent, unsafeSent };
    if (hop.error !== null || target === null) return journey;
    if (target instanceof Error) return { ...journey, error: target };
    redirects.push({ status: hop.head?.status ?? 0, url: request.url.href });
    request = target;
  }
}

/**
 * The next request, null where the answer is no redirect, or why it cannot be followed. What another origin does not
 * get is gone for good: a later hop back to the first does not bring it again.
 */
function follow(request: WireRequest, head: AnswerHead, tooMany: boolean): WireRequest | Error | null {
  const { location } = head.headers;
  if (![301, 302, 303, 307, 308].includes(head.status) || location === undefined) return null;
  if (tooMany) return new NotFollowed('redirected too often');
  if (!URL.canParse(location, request.url)) return new NotFollowed('redirected to what is no URL');
  const url = new URL(location, request.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return new NotFollowed(`redirected to a ${url.protocol} URL`);
  if (hasCredentials(location)) return new NotFollowed('redirected to a URL with credentials');
  url.hash = '';
  const { method } = request;
  const becomesGet =
    (head.status === 303 && method !== 'GET' && method !== 'HEAD') ||
    ((head.status === 301 || head.status === 302) && method === 'POST');
  let headers = Object.entries(request.headers);
  if (becomesGet) headers = headers.filter(([name]) => !name.toLowerCase().startsWith('content-'));
  if (url.origin !== request.url.origin)
    headers = headers.filter(
      ([name]) =>
        name !== request.secretHeader &&
        (PUBLIC_HEADERS.has(name.toLowerCase()) || name === request.everywhere?.toLowerCase()),
    );
  return {
    ...request,
    url,
    headers: Object.fromEntries(headers),
    method: becomesGet ? 'GET' : method,
    body: becomesGet ? null : request.body,
  };
}
