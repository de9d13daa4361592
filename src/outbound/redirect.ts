import { hasCredentials } from '../documents/call-url.ts';
import { asError, messageOf } from '../platform/error-words.ts';
import { nap } from '../platform/timer.ts';
import { AddressDenied } from './address-guard.ts';
import { type AnswerHead, single } from './answer-head.ts';
import type { Connections } from './connections.ts';
import { type Exchange, exchange, type Taker, type WireRequest } from './exchange.ts';
import { failureWords } from './failure.ts';
import { askedMs } from './wait.ts';

/** Methods that ask for nothing to be done (RFC 9110, 9.2.1): sent twice they do no harm. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** What may go along to another origin: the rest was meant for the one it was given for. */
const PUBLIC_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-type',
  'content-length',
  'user-agent',
]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function isSafe(method: string): boolean {
  return SAFE.has(method.toUpperCase());
}

const DEFAULT_REDIRECTS = 10;

/** A redirect that is not followed. `cause`: why nothing could be sent to where it leads. */
export class NotFollowed extends Error {}

/** Did the guard refuse the address, or the one that a redirect leads to. */
export function isDenied(error: Error | null): boolean {
  return (
    error instanceof AddressDenied || (error instanceof NotFollowed && error.cause instanceof AddressDenied)
  );
}

export interface Hop {
  status: number;
  url: string;
}

/**
 * An exchange with the redirects on its way. `sent` counts for all hops. `head` and `url` are of the last request that
 * could be sent: a redirect that leads to where nothing can be sent is an answer that is NotFollowed.
 */
export interface Journey extends Exchange {
  url: URL;
  /** The last one that could be sent. */
  request: WireRequest;
  redirects: Hop[];
  /** A request that may have done something left this machine. */
  unsafeSent: boolean;
}

/**
 * Send a request and follow at most `limit` (10) redirects; with 0 a redirect is the answer. Every hop is
 * checked by the guard as it connects, and made no earlier than the redirect asks (Retry-After). Methods change as RFC 9110 (15.4) and browsers have it.
 */
export async function travel(
  connections: Connections,
  first: WireRequest,
  taker: Taker,
  signal: AbortSignal,
  limit = DEFAULT_REDIRECTS,
): Promise<Journey> {
  let request = first;
  let answered: Journey | null = null;
  const redirects: Hop[] = [];
  const unsafe = new Set<string>();
  let sent = false;
  for (;;) {
    let next: WireRequest | Error | null = null;
    if (!isSafe(request.method)) unsafe.add(request.url.href);
    const taking: Taker = {
      head: (head) => {
        if (limit > 0) next = follow(request, head, redirects.length >= limit);
        return next === null && taker.head(head);
      },
      data: taker.data,
      pieceBytes: taker.pieceBytes,
    };
    let hop = await exchange(connections, request, taking, signal);
    // A kept connection that ended as the request came (RFC 9112, 9.3.1): what does nothing may be asked again.
    if (hop.reused && hop.head === null && hop.error !== null && isSafe(request.method) && !signal.aborted)
      hop = await exchange(connections, { ...request, fresh: true }, taking, signal);
    sent ||= hop.sent;
    if (!hop.sent) unsafe.delete(request.url.href);
    const { url } = request;
    const journey = { ...hop, url, request, redirects, sent, unsafeSent: unsafe.size > 0 };
    const target = next as WireRequest | Error | null; // set in the callback
    if (answered && !hop.sent && !signal.aborted)
      return { ...answered, error: unreachable(request.url, hop.error) };
    if (hop.error !== null || target === null) return journey;
    if (target instanceof Error) return { ...journey, error: target };
    if (!isSafe(target.method) && unsafe.has(target.url.href))
      return { ...journey, error: new NotFollowed('redirected to where it was sent already') };
    if (!isSafe(target.method) && target.url.origin !== url.origin)
      try {
        request.leaves?.();
      } catch (error) {
        return { ...journey, error: unreachable(target.url, asError(error)) };
      }
    const asked = askedMs(hop);
    if (asked > 0) await nap(asked, signal);
    if (signal.aborted) return { ...journey, error: asError(signal.reason) };
    answered = journey;
    redirects.push({ status: hop.head?.status ?? 0, url: request.url.href });
    request = target;
  }
}

/**
 * The next request, null where the answer is no redirect, or why it cannot be followed. What another origin does not
 * get is gone for good: a later hop back to the first does not bring it again.
 */
function follow(request: WireRequest, head: AnswerHead, tooMany: boolean): WireRequest | Error | null {
  if (!REDIRECTS.has(head.status) || head.headers.location === undefined) return null;
  if (tooMany) return new NotFollowed('redirected too often');
  const url = targetOf(head, request.url);
  if (url instanceof Error) return url;
  const { method } = request;
  const becomesGet =
    (head.status === 303 && method !== 'GET' && method !== 'HEAD') ||
    ((head.status === 301 || head.status === 302) && method === 'POST');
  let headers = Object.entries(request.headers);
  if (becomesGet) headers = headers.filter(([name]) => !name.startsWith('content-'));
  if (url.origin !== request.url.origin)
    headers = headers.filter(([name]) => PUBLIC_HEADERS.has(name) && !request.ours?.includes(name));
  return {
    ...request,
    url,
    headers: Object.fromEntries(headers),
    method: becomesGet ? 'GET' : method,
    body: becomesGet ? null : request.body,
  };
}

function unreachable(url: URL, cause: Error | null): NotFollowed {
  const why = cause === null ? '' : `: ${failureWords(cause)}`;
  return new NotFollowed(`redirected to ${url.origin}${why}`, { cause });
}

function targetOf(head: AnswerHead, from: URL): URL | NotFollowed {
  let location: string;
  try {
    location = single(head, 'location')?.trim() ?? '';
  } catch (error) {
    return new NotFollowed(`not redirected: ${messageOf(error)}`);
  }
  if (location === '') return new NotFollowed('redirected to nowhere: its Location is empty');
  if (!URL.canParse(location, from)) return new NotFollowed('redirected to what is no URL');
  const url = new URL(location, from);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return new NotFollowed(`redirected to a ${url.protocol} URL`);
  if (hasCredentials(location)) return new NotFollowed('redirected to a URL with credentials');
  url.hash = '';
  return url;
}
