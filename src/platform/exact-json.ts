/** What `JSON.rawJSON` makes: a number by its digits, which `JSON.stringify` writes as they are. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** The reviver's third argument, which TypeScript's library does not have yet (TC39: JSON.parse source text access). */
interface Source {
  source?: string;
}
const { isRawJSON, rawJSON } = JSON as typeof JSON & {
  isRawJSON(value: unknown): boolean;
  rawJSON(text: string): ExactNumber;
};

const MAY_DIFFER = /\d{16}|\d[.eE]|-0/;

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
  if (!mayDiffer(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, { source }: Source = {}) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
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
