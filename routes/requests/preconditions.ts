import type { IncomingHttpHeaders } from 'node:http';
import { RunwireError } from '../../src/documents/errors.ts';

const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/**
 * What the preconditions of a GET or HEAD come to, in the order of RFC 9110, 13.2.2: true where the client has the
 * representation already (304). Nothing here has a date of modification, so conditions on one are ignored (13.1.3, 13.1.4).
 * `etag` is a strong one, or null where the representation has none. Throws RunwireError precondition_failed.
 */
export function clientHasIt(headers: IncomingHttpHeaders, etag: string | null): boolean {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && !holds(match, (tag) => tag === etag))
    throw new RunwireError('precondition_failed', 'If-Match names none of what there is now.');
  return noneMatch !== undefined && holds(noneMatch, (tag) => tag.replace(/^W\//, '') === etag);
}

/** Is a range to be sent: If-Range is compared strongly, and a date is never that of ours (13.1.5). */
export function rangeStillFits(ifRange: string | undefined, etag: string | null): boolean {
  return ifRange === undefined || ifRange === etag;
}

function holds(list: string, fits: (tag: string) => boolean): boolean {
  return list.trim() === '*' || (list.match(ENTITY_TAG) ?? []).some(fits);
}
