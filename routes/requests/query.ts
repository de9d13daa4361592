import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { FieldError } from '../../src/documents/errors.ts';

/** `true` or `false` in a query string. */
export const Flag = z.enum(['true', 'false']).optional();

/** A number in a query string as JSON writes it: what else JavaScript would make one of is refused. */
export function decimal<Schema extends z.ZodNumber>(schema: Schema) {
  return z.preprocess(
    (text) =>
      typeof text === 'string' && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : text,
    schema,
  );
}

/** Which page of a list. */
export const PageQuery = z.strictObject({
  limit: decimal(z.number().int().min(1).max(1000)).default(50),
  cursor: z.string().min(1).optional().describe('next_cursor of the page before'),
});
export type PageQuery = z.infer<typeof PageQuery>;

/** The same for who makes the list. */
export const pageOf = ({ limit, cursor }: PageQuery): { limit: number; cursor?: string } => ({
  limit,
  ...(cursor !== undefined && { cursor }),
});

/** Routes that are added from now on and declare no query parameters take none. */
export function declaredQuery(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    route.schema = { querystring: z.strictObject({}), ...route.schema };
  });
}

/** What is wrong with a query string whatever its parameters mean: one is there twice, or says nothing. */
export function queryErrors(query: object): FieldError[] {
  return Object.entries(query).flatMap(([path, value]) => {
    if (Array.isArray(value)) return { path, message: 'is there more than once' };
    return value === '' ? { path, message: 'is empty' } : [];
  });
}
