import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { type ErrorCode, type FieldError, RunwireError } from '../../src/errors.ts';

const MAX_ERRORS = 50;

/** Dotted paths and plain words for what a schema refuses; each unknown key is named by itself. */
export function fieldErrors(error: z.core.$ZodError): FieldError[] {
  const errors = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: dotted([...issue.path, key]), message: 'is not a known field' }))
      : [{ path: dotted(issue.path), message: wordsOf(issue) }],
  );
  return errors.slice(0, MAX_ERRORS);
}

/** Fastify's validator for zod schemas. Bodies that do not fit are 422, query strings 400. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, url, httpPart }) => {
  const code: ErrorCode =
    httpPart !== 'body' ? 'bad_request' : url === '/invocations' ? 'invalid_invocation' : 'invalid_field';
  return (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? { value: parsed.data } : { error: refusal(code, fieldErrors(parsed.error)) };
  };
};

/** The error of a request with faulty fields; the first is named in the words as well. */
export function refusal(code: ErrorCode, errors: FieldError[]): RunwireError {
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
