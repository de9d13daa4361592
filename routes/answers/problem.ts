import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ERRORS, type ErrorCode, RunwireError, toldShortage } from '../../src/documents/errors.ts';
import { FieldPlaces } from '../../src/documents/field-places.ts';
import type { Kind } from '../../src/documents/kind.ts';
import { nothingHere } from '../requests/known-paths.ts';
import { targetOf } from '../requests/target.ts';

/** The body of every error (RFC 9457). `code` is one of docs/errors.md; `errors` name faulty fields. */
export const Problem = z.strictObject({
  type: z.string().describe('urn:runwire:problem:<code>'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string().describe('The path that was asked for'),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;

export const PROBLEM_TYPE = 'application/problem+json';

/** Where errors that are ours are told. */
export interface ErrorLog {
  error(facts: object, message: string): void;
}

/** Fastify's own errors, by code, as ours. Others go by their status. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
};

/** Errors of plugins, by status: those that serve files have words of their own. All others below 500 are bad_request. */
const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  412: 'precondition_failed',
  416: 'range_not_satisfiable',
};

/** Whatever was thrown, as an error whose words a client may see. */
export function toRunwireError(thrown: unknown): RunwireError {
  const error = toldShortage(thrown);
  if (error instanceof RunwireError) return error;
  if (error instanceof Error && 'statusCode' in error) {
    const { code, statusCode, message } = error as FastifyError;
    if (statusCode === 403 || statusCode === 404) return nothingHere();
    if (statusCode !== undefined && statusCode < 500)
      return new RunwireError(FASTIFY_CODES[code] ?? STATUS_CODES[statusCode] ?? 'bad_request', message, {
        cause: error,
      });
  }
  return new RunwireError('internal_error', 'The server could not answer this request.', { cause: error });
}

export function problemOf(error: RunwireError, url: string): Problem {
  const { status, title } = ERRORS[error.code];
  return {
    type: `urn:runwire:problem:${error.code}`,
    title,
    status,
    detail: error.message,
    instance: url.split('?', 1)[0] ?? '/',
    code: error.code,
    ...(error.errors && { errors: error.errors }),
  };
}

/** A target that is refused is told as it was sent: it is no path of ours. */
function askedFor(request: FastifyRequest): string {
  return targetOf(request.raw).fault === null ? request.url : request.originalUrl;
}

/** How many bytes there are, as the plugin that serves them says it. */
function contentRangeOf(thrown: unknown): unknown {
  const headers = thrown instanceof Error && 'headers' in thrown ? thrown.headers : null;
  return headers !== null && typeof headers === 'object' && 'Content-Range' in headers
    ? headers['Content-Range']
    : undefined;
}

/** Has fields that stand at a wrong place in a body told theirs. */
function pointing(kinds: readonly Kind[]) {
  const known = new WeakMap<z.ZodType, FieldPlaces>();
  return (error: RunwireError, request: FastifyRequest): RunwireError => {
    const body = error.errors && request.routeOptions.schema?.body;
    if (!(body instanceof z.ZodType)) return error;
    const places = known.get(body) ?? new FieldPlaces(body, kinds);
    known.set(body, places);
    return places.pointed(error);
  };
}

/** Fastify's error handler: answers with a problem document and logs what is the server's fault. */
export function problemHandler(log: ErrorLog | undefined, kinds: readonly Kind[]) {
  const pointed = pointing(kinds);
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = pointed(toRunwireError(thrown), request);
    if (error.status >= 500 && !(thrown instanceof RunwireError) && !request.raw.socket.destroyed)
      log?.error(
        { err: thrown, method: request.method, path: request.url.split('?', 1)[0] },
        'request failed',
      );
    if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer realm="runwire"');
    if (error.code === 'not_acceptable') reply.header('vary', 'accept');
    if (error.retryAfterSeconds !== undefined)
      reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
    const contentRange = contentRangeOf(thrown);
    if (contentRange !== undefined) reply.header('content-range', contentRange);
    // A Buffer: Fastify adds a charset to JSON text, and problem+json has none.
    reply
      .code(error.status)
      .header('content-type', PROBLEM_TYPE)
      .send(Buffer.from(JSON.stringify(problemOf(error, askedFor(request)))));
  };
}
