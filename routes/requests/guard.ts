import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../../src/config.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import { plainHost } from '../../src/platform/host.ts';
import { accessOf } from './access.ts';
import { isAuthority, targetOf } from './target.ts';
import { bearerOf } from './worker-token.ts';

export interface GuardOptions {
  host: string;
  token: string | null;
  allowedHosts: readonly string[];
  /** Under which clients reach it, where that is another than its own address. */
  publicUrl?: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** It carries the token of the server, or the server has none. */
    isTrusted: boolean;
  }
}

/** As plainHost has it. */
const MAPPED = /^::ffff:([\da-f]+):([\da-f]+)$/;

/** Headers of which a second one would leave open which was meant. */
const SINGLE = ['host', 'authorization', 'content-type'];
const SINGLE_LENGTHS = SINGLE.map((name) => name.length);

/**
 * Who may ask. A web page in a browser on this machine may not: neither by a name of its own that
 * resolves here (Host, or the authority of the target), nor across sites (Origin, Sec-Fetch-Site). Who has no token may
 * not, where there is one, but what the route declares (access.ts). `holdsClaim`: is this the token of a claim of the
 * run. Throws RunwireError bad_request, forbidden_host, forbidden_origin, unauthorized.
 */
export function createGuard(
  options: GuardOptions,
  holdsClaim: (id: string, token: string) => boolean = () => false,
): (request: FastifyRequest) => void {
  const allowed = new Set(options.allowedHosts.map(bare));
  const anyHost = allowed.has('*');
  const expected = options.token === null ? null : digest(options.token);
  allowed.add(bare(options.host));
  const publicHost = options.publicUrl ? new URL(options.publicUrl).host : null;

  return (request) => {
    const { headers, rawHeaders, httpVersion, socket } = request.raw;
    const { authority, fault } = targetOf(request.raw);
    if (fault !== null) throw fault;
    refuseRepeated(rawHeaders);
    if (headers.host === undefined && httpVersion !== '1.0')
      throw new RunwireError('bad_request', 'A Host header is needed.');
    if (headers.host && !isAuthority(headers.host))
      throw new RunwireError('bad_request', 'The Host header must be a host, with or without a port.');
    const host = (authority ?? headers.host ?? '').toLowerCase();
    if (!anyHost && !hostAllowed(host, allowed, socket.localAddress) && !request.routeOptions.config.anyHost)
      throw new RunwireError(
        'forbidden_host',
        'The Host header names no host of this server: add it to RUNWIRE_ALLOWED_HOSTS if it should.',
      );
    const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
    const follows = mode === 'navigate' && (request.method === 'GET' || request.method === 'HEAD');
    if (crossSite(origin, site, follows, [host, publicHost]))
      throw new RunwireError('forbidden_origin', 'Pages of other sites may not use this server.');
    const token = bearerOf(headers.authorization);
    request.isTrusted =
      expected === null || (token !== undefined && timingSafeEqual(digest(token), expected));
    // Whatever the server asks for: a claim has a token, and without one no body need be looked at.
    if (token === undefined && accessOf(request) === 'claim-token')
      throw new RunwireError(
        'unauthorized',
        'Send Authorization: Bearer <token> with the token of the claim.',
      );
    if (!request.isTrusted && !mayUse(request, token, holdsClaim))
      throw new RunwireError(
        'unauthorized',
        'Send Authorization: Bearer <token> with the token of this server.',
      );
  };
}

/** May a request without the server's token be answered. */
function mayUse(
  request: FastifyRequest,
  token: string | undefined,
  holdsClaim: (id: string, token: string) => boolean,
): boolean {
  const access = targetOf(request.raw).isServer ? 'token' : accessOf(request);
  if (access === 'open' || access === 'callback-token') return true;
  if (access === 'token-or-address') return Object.hasOwn(request.query as object, 'signature');
  if ((access !== 'claim-token' && access !== 'token-or-claim') || token === undefined) return false;
  const { id } = request.params as { id?: string };
  return id !== undefined && holdsClaim(id, token);
}

/** RFC 9112, 3.2, RFC 9110, 5.3: which of them was meant is for nobody to guess. Names and values take turns. */
function refuseRepeated(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? '';
    if (!SINGLE_LENGTHS.includes(given.length)) continue;
    const name = given.toLowerCase();
    if (!SINGLE.includes(name)) continue;
    if (seen.has(name)) throw new RunwireError('bad_request', `There is more than one ${given} header.`);
    seen.add(name);
  }
}

function hostAllowed(host: string, allowed: ReadonlySet<string>, local: string | undefined): boolean {
  const name = bare(host.replace(/:\d*$/, ''));
  return (
    allowed.has(name) ||
    allowed.has(bare(host)) ||
    isLoopback(name) ||
    (local !== undefined && name === bare(local))
  );
}

/** A host in its plain spelling, its port behind it if it has one; an IPv4 address seen through IPv6 as itself. */
function bare(text: string): string {
  const [, host = text, port = ''] = /^(\[.*\]|[^:]*)(:\d+)$/.exec(text) ?? [];
  const plain = plainHost(host).replace(MAPPED, (_mapped, high: string, low: string) =>
    [high, low]
      .flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255])
      .join('.'),
  );
  return port === '' ? plain : `[${plain}]${port}`;
}

function crossSite(
  origin: string | undefined,
  site: string | string[] | undefined,
  follows: boolean,
  hosts: readonly (string | null)[],
): boolean {
  if (origin !== undefined) return originHost(origin) === null || !hosts.includes(originHost(origin));
  // Following a link from elsewhere is harmless: it only reads, and the other page cannot see it.
  return site === 'cross-site' && !follows;
}

/** The scheme is not compared: a proxy in front may speak TLS. `null` origins have no host. */
function originHost(origin: string): string | null {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase() ?? null;
}

/** Digests have one length, so the comparison takes the same time for any token. */
function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
