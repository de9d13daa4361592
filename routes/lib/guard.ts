import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../../src/config.ts';
import { RunwireError } from '../../src/errors.ts';

export interface GuardOptions {
  host: string;
  token: string | null;
  allowedHosts: readonly string[];
}

/** Paths that tell nothing of runs, and callbacks, which prove themselves by a token of their own. */
const OPEN = /^\/(?:healthz|openapi\.yaml|docs(?:\/[^?]*)?|invocations\/[^/?]+\/callback)(?:\?|$)/;

/**
 * Who may ask. A web page in a browser on this machine may not: neither by a name of its own that
 * resolves here (Host), nor across sites (Origin, Sec-Fetch-Site). Who has no token may not, where
 * there is one, unless `isExempt` says that the request proves itself in another way. Throws RunwireError bad_request (no Host), forbidden_host,
 * forbidden_origin, unauthorized.
 */
export function createGuard(
  options: GuardOptions,
  isExempt: (request: FastifyRequest) => boolean = () => false,
): (request: FastifyRequest) => void {
  const allowed = new Set(options.allowedHosts.map((name) => name.toLowerCase()));
  const anyHost = allowed.has('*');
  const expected = options.token === null ? null : digest(options.token);
  allowed.add(bare(options.host));

  return (request) => {
    const { url, headers, rawHeaders, httpVersion, socket } = request.raw;
    const path = url ?? '/';
    // RFC 9112, 3.2: which of them was meant is for nobody to guess.
    if (timesGiven(rawHeaders, 'host') > 1)
      throw new RunwireError('bad_request', 'There is more than one Host header.');
    if (path === '/healthz') return; // asked by load balancers under any name
    if (headers.host === undefined && httpVersion !== '1.0')
      throw new RunwireError('bad_request', 'A Host header is needed.');
    const host = headers.host?.toLowerCase() ?? '';
    if (!anyHost && !hostAllowed(host, allowed, socket.localAddress))
      throw new RunwireError(
        'forbidden_host',
        'The Host header names no host of this server: add it to RUNWIRE_ALLOWED_HOSTS if it should.',
      );
    if (crossSite(headers.origin, headers['sec-fetch-site'], headers['sec-fetch-mode'], host))
      throw new RunwireError('forbidden_origin', 'Pages of other sites may not use this server.');
    if (
      expected !== null &&
      !OPEN.test(path) &&
      !holdsToken(headers.authorization, expected) &&
      !isExempt(request)
    )
      throw new RunwireError(
        'unauthorized',
        'Send Authorization: Bearer <token> with the token of this server.',
      );
  };
}

/** Names and values take turns. */
function timesGiven(rawHeaders: readonly string[], name: string): number {
  let times = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at];
    if (given?.length === name.length && given.toLowerCase() === name) times++;
  }
  return times;
}

function hostAllowed(host: string, allowed: ReadonlySet<string>, local: string | undefined): boolean {
  const name = bare(host.replace(/:\d+$/, ''));
  return (
    allowed.has(name) ||
    allowed.has(host) ||
    isLoopback(name) ||
    (local !== undefined && name === bare(local))
  );
}

/** A host without brackets; an IPv4 address seen through IPv6 as itself. */
function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:(?=\d+\.)/, '');
}

function crossSite(
  origin: string | undefined,
  site: string | string[] | undefined,
  mode: string | string[] | undefined,
  host: string,
): boolean {
  if (origin !== undefined) return originHost(origin) !== host;
  // Following a link from elsewhere is harmless: it only reads, and the other page cannot see it.
  return site === 'cross-site' && mode !== 'navigate';
}

/** The scheme is not compared: a proxy in front may speak TLS. `null` origins have no host. */
function originHost(origin: string): string | null {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase() ?? null;
}

/** Digests have one length, so the comparison takes the same time for any token. */
function holdsToken(header: string | undefined, expected: Buffer): boolean {
  const given = /^bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), expected);
}

function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
