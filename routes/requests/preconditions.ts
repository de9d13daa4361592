import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';

const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/**
 * What the preconditions of a GET or HEAD come to, in the order of RFC 9110, 13.2.2: true where the client has the
 * representation already (304). Nothing here has a date of modification, so conditions on one are ignored (13.1.3, 13.1.4).
 * `etag` is a strong one, or a weak one without its mark, or null where the representation has none. Throws RunwireError precondition_failed.
 */
export function clientHasIt(headers: IncomingHttpHeaders, etag: string | null): boolean {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && !holds(match, (tag) => tag === etag))
    throw new RunwireError('precondition_failed', 'If-Match names none of what there is now.');
  return noneMatch !== undefined && holds(noneMatch, (tag) => tag.replace(/^W\//, '') === etag);
}

/**
 * The same of a method that changes something. `current`: what its target is now; null: nothing. A tag that is asked for is
 * never that of a thing without one, so the method is not performed (RFC 9110, 13.1.1). Throws precondition_failed.
 */
export function mayChange(headers: IncomingHttpHeaders, current: { etag: string | null } | null): void {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  const etag = current?.etag ?? null;
  if (match !== undefined && !(current && holds(match, (tag) => tag === etag)))
    throw new RunwireError('precondition_failed', 'If-Match names none of what there is now.');
  if (noneMatch !== undefined && current && holds(noneMatch, (tag) => tag.replace(/^W\//, '') === etag))
    throw new RunwireError('precondition_failed', 'If-None-Match names what there is now.');
}

/**
 * Heeds those of every POST; what else changes something asks by itself, for its answer without them comes first (13.2.1).
 * `isThere`: what the parameters of the path name.
 */
export function heedPreconditions(app: FastifyInstance, isThere: (params: unknown) => boolean): void {
  app.addHook('preHandler', async (request) => {
    const { headers, method, params, body, routeOptions } = request;
    if (method !== 'POST' || (headers['if-match'] ?? headers['if-none-match']) === undefined) return;
    if (!isThere(params)) return;
    const hasState = app.hasRoute({ url: routeOptions.url ?? '', method: 'GET' });
    try {
      mayChange(headers, hasState ? { etag: null } : null);
    } catch (error) {
      // Many clients read the answer only when all they have to say was taken.
      if (body instanceof Readable) body.resume();
      throw error;
    }
  });
}

/** Is a range to be sent: If-Range is compared strongly, and a date is never that of ours (13.1.5). */
export function rangeStillFits(ifRange: string | undefined, etag: string | null): boolean {
  return ifRange === undefined || ifRange === etag;
}

function holds(list: string, fits: (tag: string) => boolean): boolean {
  return list.trim() === '*' || (list.match(ENTITY_TAG) ?? []).some(fits);
}
