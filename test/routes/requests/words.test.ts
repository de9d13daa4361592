import type { RouteOptions } from 'fastify';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { validatorCompiler } from '../../../routes/requests/validation.ts';
import { DockerSpec } from '../../../runners/docker/spec.ts';
import { HttpAsyncSpec } from '../../../runners/http-async/spec.ts';
import { ManualSpec } from '../../../runners/manual/spec.ts';
import { HttpSpec } from '../../../runners/wire/spec.ts';
import { AssetSource } from '../../../src/documents/asset.ts';
import { RunwireError } from '../../../src/documents/errors.ts';
import { fieldErrors } from '../../../src/documents/field-errors.ts';
import { faultyValues } from '../../helpers/faulty-values.ts';
import { stubApp } from '../../helpers/stub-app.ts';

/** What zod says of itself, and what stands where nobody has said anything better. */
const NOT_OURS =
  /^(the body )?(Too (small|big)|Invalid|Unrecognized|Expected|Required)|is not valid|of the form|is no name that is taken|undefined|\[object/;

const stub = stubApp();
afterAll(() => stub[Symbol.asyncDispose]());

/** Schemas of all that routes take, by where it comes. */
async function schemasOfRequests(): Promise<[where: string, part: string, z.ZodType][]> {
  const routes: RouteOptions[] = [];
  stub.app.addHook('onRoute', (route) => void routes.push(route));
  await stub.app.ready();
  return routes
    .filter(({ method }) => method !== 'HEAD')
    .flatMap(({ method, url, schema }) =>
      [
        ['body', schema?.body],
        ['querystring', schema?.querystring],
        ['params', schema?.params],
        ['headers', schema?.headers],
      ].flatMap(([part, one]): [string, string, z.ZodType][] =>
        one instanceof z.ZodType ? [[`${method} ${url}`, String(part), one]] : [],
      ),
    );
}

const saidOf = (error: unknown): string[] =>
  error instanceof RunwireError ? (error.errors ?? []).map(({ message }) => message) : [];

test('whatever is wrong with a request is told in words of ours, in every field of every route', async () => {
  const compile = validatorCompiler(stub.engine.kinds);
  const schemas = await schemasOfRequests();
  const asked = schemas.map(([where, part]) => `${part} of ${where}`);
  expect(asked).toEqual(
    expect.arrayContaining([
      'body of POST /invocations',
      'querystring of GET /invocations',
      'body of POST /sessions',
      'body of PUT /environment-specs/:name',
      'body of POST /workspaces',
      'body of POST /manual/claims',
    ]),
  );
  const seen = new Set<string>();
  for (const [where, part, schema] of schemas) {
    const validate = compile({ schema, url: where.split(' ')[1] ?? '', method: '', httpPart: part });
    for (const value of faultyValues(schema)) {
      if (part === 'querystring' && (typeof value !== 'object' || value === null)) continue;
      const result = validate(value);
      const error = typeof result === 'object' && 'error' in result ? result.error : undefined;
      for (const words of saidOf(error)) if (NOT_OURS.test(words)) seen.add(`${part} of ${where}: ${words}`);
    }
  }
  expect([...seen]).toEqual([]);
});

test.each([
  ['docker', DockerSpec],
  ['http', HttpSpec],
  ['http_async', HttpAsyncSpec],
  ['manual', ManualSpec],
  ['an asset that is fetched', AssetSource],
])('so is what is wrong with the options of %s', (_name, schema: z.ZodType) => {
  const seen = new Set<string>();
  for (const value of faultyValues(schema)) {
    const { error } = schema.safeParse(value);
    for (const { path, message } of error ? fieldErrors(error) : [])
      if (NOT_OURS.test(message)) seen.add(`${path}: ${message}`);
  }
  expect([...seen]).toEqual([]);
});
