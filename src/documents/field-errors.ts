import type { z } from 'zod';
import { type ErrorCode, type FieldError, RunwireError } from './errors.ts';

const MAX_ERRORS = 50;

/** Dotted paths and plain words for what a schema refuses; each unknown key is named by itself. At most 50. */
export function fieldErrors(error: z.core.$ZodError, under: readonly string[] = []): FieldError[] {
  return errorsOf(error.issues, under).slice(0, MAX_ERRORS);
}

function errorsOf(issues: readonly z.core.$ZodIssue[], under: readonly PropertyKey[]): FieldError[] {
  return issues.flatMap((issue) => {
    const path = [...under, ...issue.path];
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: dotted([...path, key]), message: 'is not a known field' }));
    if (issue.code === 'invalid_union') return errorsOfUnion(issue, path);
    const subject = path.length === 0 && isOfType(issue) ? 'the body ' : '';
    return [{ path: dotted(path), message: `${subject}${wordsOf(issue)}` }];
  });
}

/** What is of the type of one form alone was meant to be that: its faults are told. Else all forms are. */
function errorsOfUnion(
  { errors, message }: z.core.$ZodIssueInvalidUnion,
  path: readonly PropertyKey[],
): FieldError[] {
  const types = errors.map((form) => form.find(isOfType));
  const meant = errors.filter((_form, at) => types[at] === undefined);
  if (meant.length === 1 && meant[0]) return errorsOf(meant[0], path);
  const words = types.map((issue) => (issue ? ofType(issue.expected) : null));
  return [{ path: dotted(path), message: words.includes(null) ? message : `must be ${words.join(' or ')}` }];
}

function isOfType(issue: z.core.$ZodIssue): issue is z.core.$ZodIssueInvalidType {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

/** The error of a request with faulty fields; the first is named in the words as well. */
export function fieldRefusal(code: ErrorCode, errors: FieldError[]): RunwireError {
  const [first] = errors;
  const where = first?.path ? `${first.path}: ` : '';
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new RunwireError(code, `${where}${first?.message ?? 'is not valid'}${more}`, { errors });
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

/** Types as they are called in JSON, where that is another word. */
const TYPES: { readonly [expected: string]: string } = {
  int: 'a whole number',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};

function ofType(expected: string): string {
  return TYPES[expected] ?? `a ${expected}`;
}

function wordsOf(issue: z.core.$ZodIssue): string {
  // The issue of a record's key says only that the key is bad; why is inside.
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  // Words that the schema itself has for it stay.
  const type =
    issue.code === 'invalid_type' && /^Invalid input: expected .*, received (.*)$/.exec(issue.message);
  if (!type) return issue.message;
  const must = `must be ${ofType(issue.expected)}`;
  return type[1] === 'undefined' ? `is missing: ${must}` : must;
}
