import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { EnvironmentSpecInput, environmentSpecInput } from '../../src/documents/environment-spec.ts';
import type { ErrorCode } from '../../src/documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import { InvocationInput, invocationInput } from '../../src/documents/invocation.ts';
import { type Kind, optionKeyOf } from '../../src/documents/kind.ts';
import { SessionInput, sessionInput } from '../../src/documents/session.ts';
import { brokenText } from '../../src/documents/well-formed.ts';
import { queryErrors } from './query.ts';

/** What a body is that does not fit. `url` is that of the route. */
export function bodyCode(url = ''): ErrorCode {
  return url === '/invocations' ? 'invalid_invocation' : 'invalid_field';
}

/**
 * Fastify's validator for zod schemas. Bodies that do not fit are 422, query strings 400. Of the options of an
 * invocation, of a session and of an environment spec, those of the server's kinds are known and no others.
 */
export function validatorCompiler(kinds: readonly Kind[]): FastifySchemaCompiler<z.ZodType> {
  const keys = kinds.map(optionKeyOf).filter((key) => key !== null);
  /** For routes that share a description: what of it this server takes. */
  const ofServer = new Map<z.ZodType, z.ZodType>([
    [InvocationInput, invocationInput(keys)],
    [EnvironmentSpecInput, environmentSpecInput(keys)],
    [SessionInput, sessionInput(keys)],
  ]);
  return ({ schema: described, url = '', httpPart }) => {
    const schema = ofServer.get(described) ?? described;
    const code = httpPart === 'body' ? bodyCode(url) : 'bad_request';
    return (value) => {
      const faults = httpPart === 'querystring' ? queryErrors(value) : [];
      if (faults.length > 0) return { error: fieldRefusal(code, faults) };
      const parsed = schema.safeParse(value);
      if (!parsed.success) return { error: fieldRefusal(code, fieldErrors(parsed.error)) };
      const broken = brokenText(parsed.data);
      return broken ? { error: fieldRefusal(code, [broken]) } : { value: parsed.data };
    };
  };
}
