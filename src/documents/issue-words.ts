import { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Types as they are called in JSON, where that is another word. */
const TYPES: { readonly [expected: string]: string } = {
  int: 'a whole number',
  array: 'an array',
  object: 'an object',
  record: 'an object',
  boolean: 'true or false',
};

/** Forms of texts, for schemas that have no words of their own for them. */
const FORMATS: { readonly [format: string]: string } = {
  base64: 'base64',
  datetime: 'a time as RFC 3339 has it: 2026-01-31T12:00:00Z',
  url: 'a URL',
};

/** What sizes are counted in, by what has one. */
const UNITS: { readonly [origin: string]: readonly [one: string, more: string] } = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  object: ['entry', 'entries'],
};

const { localeError } = z.locales.en();

/** What is wrong in plain words, that stand behind the name of the field. Words that the schema itself has for it stay. */
export function wordsOf(issue: Issue): string {
  // The issue of a record's key says only that the key is bad; why is inside.
  if (issue.code === 'invalid_key') {
    const [inner] = issue.issues;
    return inner ? wordsOf(inner) : 'is no name that is taken';
  }
  if (!isUnworded(issue)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return wordsOfType(issue);
    case 'invalid_value':
      return `must be ${expectedBy(issue)}`;
    case 'too_small':
      return wordsOfSize(issue, issue.minimum, issue.inclusive ? 'at least' : 'more than');
    case 'too_big':
      return wordsOfSize(issue, issue.maximum, issue.inclusive ? 'at most' : 'less than');
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return `must be ${FORMATS[issue.format] ?? `of the form ${issue.pattern ?? issue.format}`}`;
    default:
      return 'is not valid';
  }
}

/**
 * What forms a value may have, in words, where the issue says that it has none of them; null: it says something else. Empty where
 * nobody has words for the form.
 */
export function formsExpectedBy(issue: Issue): string[] | null {
  if (issue.path.length > 0) return null;
  if (issue.code === 'invalid_type')
    return issue.expected === 'boolean' ? ['true', 'false'] : [expectedBy(issue)];
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code === 'custom') return isUnworded(issue) ? [] : null;
  if (issue.code !== 'invalid_union') return null;
  const forms = issue.errors.map(formsExpectedByAll);
  return forms.includes(null) ? null : forms.flatMap((form) => form ?? []);
}

/** The same of all that is wrong with a value. */
export function formsExpectedByAll(issues: readonly Issue[]): string[] | null {
  return issues.map(formsExpectedBy).find((forms) => forms !== null) ?? null;
}

/** a, b or c. */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

function expectedBy(issue: z.core.$ZodIssueInvalidType | z.core.$ZodIssueInvalidValue): string {
  if (issue.code === 'invalid_value') return oneOf(issue.values.map(String));
  return TYPES[issue.expected] ?? `a ${issue.expected}`;
}

function wordsOfType(issue: z.core.$ZodIssueInvalidType): string {
  const must = `must be ${expectedBy(issue)}`;
  return issue.message.endsWith('received undefined') ? `is missing: ${must}` : must;
}

function wordsOfSize(
  { origin, exact }: { origin: string; exact?: boolean | undefined },
  size: number | bigint,
  than: string,
): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `must be ${than} ${size}`;
  if (than === 'at least' && size === 1) return 'must not be empty';
  return `must have ${exact ? 'exactly' : than} ${size} ${size === 1 ? unit[0] : unit[1]}`;
}

/** Has the schema no words of its own for it. */
function isUnworded(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return /^Invalid input: expected .*, received /.test(issue.message);
  return issue.message === localeError(issue as z.core.$ZodRawIssue);
}
