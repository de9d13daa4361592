import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

/** Headers of an answer by name in small letters; one that came several times is a list. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface AnswerHead {
  status: number;
  statusText: string;
  headers: AnswerHeaders;
}

/** The head as Node's parser read it: names and values in turns, with a character a byte. */
export function readHead({ statusCode = 0, statusMessage = '', rawHeaders }: IncomingMessage): AnswerHead {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = decoded(rawHeaders[at + 1] ?? '');
    const earlier = headers[name];
    if (Array.isArray(earlier)) earlier.push(value);
    else headers[name] = earlier === undefined ? value : [earlier, value];
  }
  return { status: statusCode, statusText: decoded(statusMessage), headers };
}

/**
 * A header that may be there once. Repeated, which RFC 9110 (5.3) forbids and some send, it counts once where it is
 * always the same. Undefined where there is none. Throws where the values differ: any choice would be a guess.
 */
export function single({ headers }: Pick<AnswerHead, 'headers'>, name: string): string | undefined {
  const [value, ...others] = new Set([headers[name] ?? []].flat());
  if (others.length > 0) throw new Error(`the answer has ${others.length + 1} different ${name} headers`);
  return value;
}

/** The same for what nothing hangs on: undefined also where the values differ. */
export function singleOrNone(head: Pick<AnswerHead, 'headers'>, name: string): string | undefined {
  try {
    return single(head, name);
  } catch {
    return undefined;
  }
}

/** What was done to the content, in order (RFC 9110, 8.4): several headers are one list, but one that is repeated counts once. */
export function contentCodings({ headers }: Pick<AnswerHead, 'headers'>): string[] {
  const values = [...new Set([headers['content-encoding'] ?? []].flat())];
  const named = values.flatMap((value) => value.toLowerCase().split(/[\s,]+/));
  return named.filter((coding) => coding !== '' && coding !== 'identity');
}

/**
 * Throws where the body is in any transfer coding but one `chunked` (RFC 9112, 7): nobody asked for it, and it would be told as it is.
 * Node's parser reads the last line byte by byte: what is put behind its `chunked`, which a list may have, makes it read the
 * frames of the chunks as the body. `endsInTab`: so does a tab there, which is left out of the value.
 */
export function checkFraming({ headers }: Pick<AnswerHead, 'headers'>, endsInTab = false): void {
  const lines = [headers['transfer-encoding'] ?? []].flat();
  if (lines.length === 0) return;
  const codings = lines
    .join(',')
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/);
  const named = codings.filter((coding) => coding !== '');
  const said = lines.join(', ');
  if (named.length !== 1 || named[0] !== 'chunked')
    throw new Error(`the answer has the Transfer-Encoding ${said}, which nobody asked for`);
  if (endsInTab || codings.at(-1) !== 'chunked')
    throw new Error(
      `the answer has the Transfer-Encoding ${JSON.stringify(said)}, whose chunks are not told apart`,
    );
}

/** UTF-8 where it is, else a character a byte (ISO 8859-1, which HTTP once had). */
function decoded(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}
