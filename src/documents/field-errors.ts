import type { z } from 'zod';
import { type ErrorCode, type FieldError, RunwireError } from './errors.ts';

const MAX_ERRORS = 50;

/** Dotted paths and plain words for what a schema refuses; each unknown key is named by itself. At most 50. */
export function fieldErrors(error: z.core.$ZodError, under: readonly string[] = []): FieldError[] {
  const errors = error.issues.flatMap((issue) => {
    const path = [...under, ...issue.path];
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: dotted([...path, key]), message: 'is not a known field' }))
      : [{ path: dotted(path), message: wordsOf(issue) }];
  });
  return errors.slice(0, MAX_ERRORS);
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

function wordsOf(issue: z.core.$ZodIssue): string {
  // The issue of a record's key says only that the key is bad; why is inside.
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}
