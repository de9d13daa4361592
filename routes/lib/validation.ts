import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import type { ErrorCode } from '../../src/errors.ts';
import { fieldErrors, refusal } from '../../src/field-errors.ts';

/** Fastify's validator for zod schemas. Bodies that do not fit are 422, query strings 400. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, url, httpPart }) => {
  const code: ErrorCode =
    httpPart !== 'body' ? 'bad_request' : url === '/invocations' ? 'invalid_invocation' : 'invalid_field';
  return (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? { value: parsed.data } : { error: refusal(code, fieldErrors(parsed.error)) };
  };
};
