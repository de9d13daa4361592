import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';
import { fieldRefusal } from '../../src/documents/field-errors.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { keepDigits, mayDiffer, parseExact } from '../../src/platform/exact-json.ts';
import { type Extent, excessOf } from '../../src/platform/json-extent.ts';
import { parseJson } from '../../src/platform/json-parse.ts';
import { harmless } from './harmful-names.ts';
import { extentFault } from './json-extent.ts';
import { bodyCode } from './validation.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Where in the body numbers keep the digits that they came with (`parseExact`); `*` is each member. */
    verbatim?: readonly (readonly string[])[];
  }
}

/** More of these takes so long to be read that everybody else waits. */
const MOST: Extent = {
  names: 100_000,
  escapedNames: 10_000,
  escapes: 2_000_000,
  containers: 100_000,
  levels: 500,
};
/** When so much was made something of, others have their turn before anything is done with it. */
const LONG = 64 * 1024;
const WHOLE = 'The body';
const ENDS_EARLY = /^(Unterminated|Unexpected end)/;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * Makes JSON in UTF-8 the only kind of body. Keys that could poison prototypes are refused. A body without a byte is none,
 * whatever type it is said to be of.
 */
export function onlyJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => refuseUnlessEmpty(payload, done));
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) =>
      body.length === 0 ? undefined : readJson(request, body),
  );
}

/**
 * Reads the JSON of a request, by the rules of every body. Throws RunwireError malformed_json, invalid_invocation,
 * invalid_field; `what` names it in the first.
 */
export async function readJson(request: FastifyRequest, bytes: Buffer, what = WHOLE): Promise<unknown> {
  const text = await judgedText(request, bytes, what);
  const value = harmless(parsed(text, what), text);
  if (text.length > LONG) await turn();
  return digitsKept(value, text, request);
}

function parsed(text: string, what: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    const words = wordsOf(error);
    if (what === WHOLE) throw new RunwireError('malformed_json', words);
    const hint = ENDS_EARLY.test(words)
      ? " curl -F ends a text at a ';': send it from a file, with '<'."
      : '';
    throw new RunwireError('malformed_json', `${what} is no JSON: ${words}${hint}`);
  }
}

/** The text of JSON in UTF-8 that is of a size to be made something of. Others may have their turn meanwhile. */
export async function judgedText(request: FastifyRequest, bytes: Buffer, what: string): Promise<string> {
  if (!isUtf8(bytes)) throw new RunwireError('malformed_json', `${what} is not UTF-8.`);
  const fault = (await extentFault(bytes)) ?? (await excessOf(bytes, MOST));
  if (fault !== null) throw fieldRefusal(bodyCode(request.routeOptions.url), [{ path: '', message: fault }]);
  // RFC 8259 (8.1) lets a reader pass over the mark, which none may write.
  const text = bytes.toString('utf8');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** The first byte tells that it is not. */
function refuseUnlessEmpty(payload: Readable, done: (error: Error | null, body?: undefined) => void): void {
  payload.once('data', () => {
    payload.pause();
    done(new RunwireError('unsupported_media_type', 'The body must be application/json.'));
  });
  payload.once('end', () => done(null, undefined));
  payload.once('error', done);
}

/** The value of the text, with the digits that the route wants kept. */
export async function digitsKept(
  value: unknown,
  text: string,
  { routeOptions }: FastifyRequest,
): Promise<unknown> {
  const { verbatim } = routeOptions.config;
  if (verbatim === undefined || !mayDiffer(text)) return value;
  const kept = keepDigits(value, parseExact(text), verbatim);
  if (text.length > LONG) await turn();
  return kept;
}

/** What is wrong with a text that was refused, without the excerpt of it that V8 adds. */
function wordsOf(error: unknown): string {
  return messageOf(error).replace(/, ".*/s, '').replace(/\.?$/, '.');
}
