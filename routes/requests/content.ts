import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { RunwireError } from '../../src/documents/errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whatever the content is, that it came is news. */
    anyContent?: boolean;
    /** The body is bytes and no document; for the description: of these media types. */
    bytesOf?: readonly string[];
    /** Or it is JSON of this form. */
    orJson?: z.ZodType;
  }
}

const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;
/** What curl -F sends: kept as a file it would have the boundaries and heads of its parts in it. */
const FORM = /^multipart\/form-data\s*(?:;|$)/i;

/**
 * Refuses what is framed in a way that is not understood here: another version of HTTP than 1.0 and 1.1, a transfer
 * coding but chunked (RFC 9112, 6.1). What came after such a header is nobody's to read: the connection is closed.
 * Throws RunwireError version_not_supported, not_implemented, bad_request.
 */
export function refuseFraming({ raw }: FastifyRequest, reply: FastifyReply): void {
  const refused = frameFault(raw.httpVersion, raw.headers['transfer-encoding']);
  if (refused === null) return;
  reply.header('connection', 'close');
  throw refused;
}

function frameFault(version: string, coding: string | undefined): RunwireError | null {
  if (!/^1\.[01]$/.test(version))
    return new RunwireError('version_not_supported', `HTTP/${version} is not spoken here: use HTTP/1.1.`);
  if (coding === undefined) return null;
  if (version !== '1.1')
    return new RunwireError('bad_request', `HTTP/${version} has no Transfer-Encoding (RFC 9112, 6.1).`);
  const codings = coding.toLowerCase().split(/[\s,]+/);
  if (codings.at(-1) !== 'chunked')
    return new RunwireError('bad_request', 'The last transfer coding of a request must be chunked.');
  return codings.length === 1
    ? null
    : new RunwireError('not_implemented', 'Of the transfer codings only chunked is known.');
}

/**
 * Refuses content that no route takes: a part to be put into what is there (RFC 9110, 14.5), a form that is put in the place
 * of a file, and a coding, which is nowhere undone. Throws RunwireError bad_request, unsupported_media_type.
 */
export function refuseContent({ headers, method, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  if (routeOptions.config.anyContent) return;
  if (method === 'PUT' && headers['content-range'] !== undefined)
    throw new RunwireError('bad_request', 'A PUT replaces the whole: it takes no Content-Range.');
  if (method === 'PUT' && FORM.test(headers['content-type'] ?? ''))
    throw new RunwireError(
      'unsupported_media_type',
      'The body of a PUT is the file itself, not a form with the file in it: curl -T FILE, not -F.',
    );
  if (codingsOf(headers['content-encoding']).every((coding) => coding === 'identity')) return;
  reply.header('accept-encoding', 'identity');
  throw new RunwireError('unsupported_media_type', 'Send the body without Content-Encoding.');
}

/** What is no media type (RFC 9110, 8.3.1) says nothing of the content: it is as if there were none. */
export function forgetBrokenType({ headers }: FastifyRequest): void {
  if (headers['content-type'] !== undefined && !MEDIA_TYPE.test(headers['content-type']))
    delete headers['content-type'];
}

function codingsOf(header: string | undefined): string[] {
  return (header ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((coding) => coding !== '');
}
