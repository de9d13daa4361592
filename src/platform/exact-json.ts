import { randomBytes } from 'node:crypto';
import { parseJson } from './json-parse.ts';
import { endOfText } from './json-text.ts';

/** What `JSON.rawJSON` makes: a number by its digits, which `JSON.stringify` writes as they are. */
export interface ExactNumber {
  readonly rawJSON: string;
}

const { isRawJSON, rawJSON } = JSON as typeof JSON & {
  isRawJSON(value: unknown): boolean;
  rawJSON(text: string): ExactNumber;
};

const MAY_DIFFER = /\d{16}|\d[.eE]|-0/;
/** A number of which the same is true. */
const CANDIDATE = /-0(?![\d.eE])|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)|-?\d{16,}/g;

/** May a text have a number that is another one as a double, or is written otherwise: else JSON.parse is exact. */
export function mayDiffer(text: string): boolean {
  return MAY_DIFFER.test(text);
}

export function isExactNumber(value: unknown): value is ExactNumber {
  return isRawJSON(value);
}

/**
 * JSON.parse that loses no digit: a number that JavaScript would write otherwise (9007199254740993, 1.10, 1e400, -0) is an
 * ExactNumber. Throws SyntaxError as JSON.parse does, RangeError for what is nested too deeply.
 */
export function parseExact(text: string): unknown {
  // A reviver, which is told the text of each number, is called for every value there is: fifty times as slow.
  const plain = parseJson(text);
  if (!mayDiffer(text)) return plain;
  let mark: string;
  do mark = randomBytes(9).toString('base64url');
  while (text.includes(mark));
  const marked = withMarks(text, mark);
  return marked === null ? plain : unmarked(parseJson(marked), mark);
}

/** Each number that JavaScript would write otherwise is a text of its digits behind the mark. Null: there is none. */
function withMarks(text: string, mark: string): string | null {
  let marked = '';
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const end = quote === -1 ? text.length : quote;
    const between = text.slice(at, end);
    const exact = MAY_DIFFER.test(between)
      ? between.replace(CANDIDATE, (digits) =>
          String(Number(digits)) === digits ? digits : `"${mark}${digits}"`,
        )
      : between;
    if (exact !== between) {
      marked += text.slice(from, at) + exact;
      from = end;
    }
    at = quote === -1 ? end : endOfText(text, quote);
  }
  return from === 0 ? null : marked + text.slice(from);
}

function unmarked(value: unknown, mark: string): unknown {
  if (typeof value === 'string') return value.startsWith(mark) ? rawJSON(value.slice(mark.length)) : value;
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Record<string | number, unknown>;
  const names = Array.isArray(value) ? null : Object.keys(value);
  const count = names?.length ?? (value as unknown[]).length;
  for (let at = 0; at < count; at++) {
    const name = names?.[at] ?? at;
    const member = members[name];
    if (typeof member !== 'string' && typeof member !== 'object') continue;
    const exact = unmarked(member, mark);
    if (exact !== member) members[name] = exact;
  }
  return value;
}

/** A text, number or truth value as text, digits as they came; undefined for any other. */
export function wordOf(value: unknown): string | undefined {
  if (isExactNumber(value)) return value.rawJSON;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/**
 * Puts what `exact` has at some paths in the place of what `plain` has there. `*` is each member. Both are the same
 * document, once parsed by JSON.parse and once by parseExact.
 */
export function keepDigits(plain: unknown, exact: unknown, paths: readonly (readonly string[])[]): unknown {
  return paths.reduce((document, path) => graft(document, exact, path), plain);
}

function graft(plain: unknown, exact: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return exact;
  if (!isContainer(plain) || !isContainer(exact)) return plain;
  for (const name of step === '*' ? Object.keys(plain) : [step])
    if (Object.hasOwn(plain, name)) plain[name] = graft(plain[name], exact[name], rest);
  return plain;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !isExactNumber(value);
}
