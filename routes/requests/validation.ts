import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import type { ErrorCode } from '../../src/documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import { InvocationInput, invocationInput } from '../../src/documents/invocation.ts';
import { type Kind, optionKeyOf } from '../../src/documents/kind.ts';
import { brokenText } from '../../src/documents/well-formed.ts';
import { queryErrors } from './query.ts';

/** What is done with a body may take a step of the stack a level; no document of ours comes near. */
const MAX_LEVELS = 500;

/**
 * Fastify's validator for zod schemas. Bodies that do not fit are 422, query strings 400. Of the options of an
 * invocation those of the server's kinds are known and no others.
 */
export function validatorCompiler(kinds: readonly Kind[]): FastifySchemaCompiler<z.ZodType> {
  const invocation = invocationInput(kinds.map(optionKeyOf).filter((key) => key !== null));
  return ({ schema: described, url = '', httpPart }) => {
    const schema = described === InvocationInput ? invocation : described;
    const code: ErrorCode =
      httpPart !== 'body' ? 'bad_request' : url === '/invocations' ? 'invalid_invocation' : 'invalid_field';
    return (value) => {
      if (isDeeper(value, MAX_LEVELS))
        return {
          error: fieldRefusal(code, [{ path: '', message: `is nested deeper than ${MAX_LEVELS} levels` }]),
        };
      const faults = httpPart === 'querystring' ? queryErrors(value) : [];
      if (faults.length > 0) return { error: fieldRefusal(code, faults) };
      const parsed = schema.safeParse(value);
      if (!parsed.success) return { error: fieldRefusal(code, fieldErrors(parsed.error)) };
      // What a backend calls back with is no document of ours: whatever it is, it makes the run look.
      const broken = url.endsWith('/callback') ? null : brokenText(parsed.data);
      return broken ? { error: fieldRefusal(code, [broken]) } : { value: parsed.data };
    };
  };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}
