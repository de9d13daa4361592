import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EnvironmentSpec, EnvironmentSpecInput, parseReference } from '../src/documents/environment-spec.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import { verbatimPaths } from '../src/documents/kind.ts';
import type { OfSpec, Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';
import { clientHasIt, mayChange } from './requests/preconditions.ts';
import { PageQuery, pageOf } from './requests/query.ts';
import { nameRefusal, versionStays } from './requests/versioned-name.ts';

const tags = ['environment-specs'];
const page = json(
  'A page',
  z.strictObject({ items: z.array(EnvironmentSpec), next_cursor: z.string().nullable() }),
);
const putSchema = {
  operationId: 'putEnvironmentSpec',
  tags,
  summary: 'Make an environment spec, or a new version of it',
  description:
    'A version never changes. With the body of the newest version nothing is made. The ETag is the digest: If-Match and ' +
    'If-None-Match hold.',
  body: EnvironmentSpecInput,
  response: {
    200: json('The newest version says this already', EnvironmentSpec),
    201: json('A version is made', EnvironmentSpec),
    ...problems,
  },
};
const listSchema = {
  operationId: 'listEnvironmentSpecs',
  tags,
  summary: 'The newest version of each, newest first',
  querystring: PageQuery,
  response: { 200: page, ...problems },
};
const getSchema = {
  operationId: 'getEnvironmentSpec',
  tags,
  summary: 'The newest version, or with name@version that one',
  response: { 200: json('The version', EnvironmentSpec), ...problems },
};
const versionsSchema = {
  operationId: 'listEnvironmentSpecVersions',
  tags,
  summary: 'All versions of an environment spec, newest first',
  querystring: PageQuery,
  response: { 200: page, ...problems },
};
const deleteSchema = {
  operationId: 'deleteEnvironmentSpec',
  tags,
  summary: 'Delete a name; versions stay readable while unfinished runs use them',
  response: { 204: z.undefined().describe('Deleted'), ...problems },
};

const tagOf = (digest: string): string => `"${digest}"`;

/** Stored environments, by name. */
export const environmentSpecsRoutes: Routes = (app, { specs, engine }) => {
  app.put<OfSpec & { Body: EnvironmentSpecInput }>(
    '/environment-specs/:name',
    {
      schema: putSchema,
      config: { access: 'token', verbatim: engine.kinds.flatMap(verbatimPaths) },
    },
    async ({ params: { name }, body, headers }, reply) => {
      const refusal = nameRefusal(name);
      if (refusal !== null) throw refusal;
      if (body.name !== undefined && body.name !== name)
        throw fieldRefusal('invalid_field', [
          { path: 'name', message: `is ${body.name}, and it is put to ${name}: leave it out` },
        ]);
      const { spec, isNew } = await specs.put(name, body, (digest) =>
        mayChange(headers, digest === null ? null : { etag: tagOf(digest) }),
      );
      reply.header('etag', tagOf(spec.digest)).header('location', spec.links.self);
      reply.code(isNew ? 201 : 200);
      return spec;
    },
  );

  app.get<{ Querystring: PageQuery }>(
    '/environment-specs',
    { schema: listSchema, config: { access: 'token' } },
    async ({ query }) => specs.list(pageOf(query)),
  );

  app.get<OfSpec>(
    '/environment-specs/:name',
    { schema: getSchema, config: { access: 'token' } },
    async (request, reply) => {
      const spec = specs.get(request.params.name);
      return isKnown(request, reply, spec.digest) ? reply.code(304).send() : spec;
    },
  );

  app.get<OfSpec & { Querystring: PageQuery }>(
    '/environment-specs/:name/versions',
    { schema: versionsSchema, config: { access: 'token' } },
    async ({ params, query }) => specs.versions(params.name, pageOf(query)),
  );

  app.delete<OfSpec>(
    '/environment-specs/:name',
    { schema: deleteSchema, config: { access: 'token' } },
    async ({ params, headers }, reply) => {
      if (parseReference(params.name)?.version) {
        specs.get(params.name);
        reply.header('allow', 'GET, HEAD');
        throw versionStays(params.name);
      }
      await specs.remove(params.name, (digest) => mayChange(headers, { etag: tagOf(digest) }));
      return reply.code(204).send();
    },
  );
};

function isKnown({ headers }: FastifyRequest, reply: FastifyReply, digest: string): boolean {
  reply.header('etag', tagOf(digest));
  return clientHasIt(headers, tagOf(digest));
}
