import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import type { ErrorCode } from '../../src/documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import { InvocationInput, invocationInput } from '../../src/documents/invocation.ts';
import { type Kind, optionKeyOf } from '../../src/documents/kind.ts';
import { brokenText } from '../../src/documents/well-formed.ts';
import { queryErrors } from './query.ts';

/** Of each value that is none an error is made: 300,000 of them take seconds. */
const MAX_VALUES = 50_000;
const PASSED_ON = new Set(['body', 'data']);

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
      const refused = (message: string) => ({ error: fieldRefusal(code, [{ path: '', message }]) });
      if (isDeeper(value, MAX_LEVELS)) return refused(`is nested deeper than ${MAX_LEVELS} levels`);
      if (moreThan(value, { left: MAX_VALUES })) return refused(`has more than ${MAX_VALUES} values`);
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

/**
 * Are there more values than the budget has left. What is passed on as it is, and not looked into, does not count: bodies
 * of calls, data of workers.
 */
function moreThan(value: unknown, budget: { left: number }): boolean {
  if (budget.left-- <= 0) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((member) => moreThan(member, budget));
  return Object.entries(value).some(([name, member]) => !PASSED_ON.has(name) && moreThan(member, budget));
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}
