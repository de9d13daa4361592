import type { z } from 'zod';
import { type ErrorCode, type FieldError, RunwireError } from './errors.ts';
import { formsExpectedBy, formsExpectedByAll, oneOf, wordsOf } from './issue-words.ts';

const MAX_ERRORS = 50;

export const UNKNOWN_FIELD = 'is not a known field';

/** Dotted paths and plain words for what a schema refuses; each unknown key is named by itself. At most 50. */
export function fieldErrors(error: z.core.$ZodError, under: readonly string[] = []): FieldError[] {
  return errorsOf(error.issues, under).slice(0, MAX_ERRORS);
}

function errorsOf(issues: readonly z.core.$ZodIssue[], under: readonly PropertyKey[]): FieldError[] {
  return issues.flatMap((issue) => {
    const path = [...under, ...issue.path];
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: dotted([...path, key]), message: UNKNOWN_FIELD }));
    if (issue.code === 'invalid_union') return errorsOfUnion(issue, path);
    const subject = path.length === 0 && formsExpectedBy(issue) !== null ? 'the body ' : '';
    return [{ path: dotted(path), message: `${subject}${wordsOf(issue)}` }];
  });
}

/** What is of the form of one alone was meant to be that: its faults are told. Else all forms are. */
function errorsOfUnion(issue: z.core.$ZodIssueInvalidUnion, path: readonly PropertyKey[]): FieldError[] {
  const { errors } = issue;
  const forms = errors.map(formsExpectedByAll);
  const meant = errors.filter((_form, at) => forms[at] === null);
  if (meant.length === 1 && meant[0]) return errorsOf(meant[0], path);
  // By one field it is told which form is meant, and none has this value.
  const values = 'options' in issue ? (issue.options ?? []).map(String) : [];
  const expected = [...new Set([...values, ...forms.flatMap((form) => form ?? [])])];
  return [
    { path: dotted(path), message: expected.length > 0 ? `must be ${oneOf(expected)}` : 'is not valid' },
  ];
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
