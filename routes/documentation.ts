import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import about from '../package.json' with { type: 'json' };
import type { Kind } from '../src/documents/kind.ts';
import { describeKinds } from './answers/kinds.ts';
import { content, problems, Raw } from './answers/schemas.ts';
import { type Access, declareFor } from './requests/access.ts';
import { nothingHere } from './requests/known-paths.ts';

const yamlSchema = {
  operationId: 'getOpenapi',
  tags: ['server'],
  summary: 'This description; needs no token',
  response: { 200: content('OpenAPI 3.1', { 'application/yaml': Raw }), ...problems },
};

/** Files of this server and nothing else, in the scheme that the page came by: http under any name. */
const CONTENT_POLICY = [
  "default-src 'self'",
  "base-uri 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src 'self'",
  "script-src-attr 'none'",
  "style-src 'self' 'unsafe-inline'",
].join('; ');

/** openapi.yaml from the schemas of the routes and of the kinds, and a page that shows it from files of this server. */
export function documentation(app: FastifyInstance, kinds: readonly Kind[]): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Runwire',
        version: about.version,
        description: about.description,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      security: [{ bearer: [] }, {}],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'RUNWIRE_TOKEN, where the server has one' },
          claim: { type: 'http', scheme: 'bearer', description: 'The token of a claim' },
        },
      },
      tags: [
        { name: 'invocations', description: 'Requests to run something, and their records' },
        { name: 'events', description: 'What happens in a run' },
        { name: 'output', description: 'Captured bytes' },
        { name: 'control', description: 'What may be done to a running run' },
        { name: 'workers', description: 'Who does manual runs: takes them and reports' },
        { name: 'artifacts', description: 'Files a run left' },
        { name: 'files', description: 'What is in the directory of a run' },
        { name: 'workspaces', description: 'Directories that are kept from one run to the next' },
        { name: 'snapshots', description: 'What was in a workspace at one moment' },
        { name: 'environment-specs', description: 'What an invocation that names one need not say' },
        { name: 'assets', description: 'Bytes and directories that are kept under a name' },
        { name: 'sessions', description: 'Environments that are set up once for many runs' },
        { name: 'runtimes', description: 'What can be run' },
        { name: 'server', description: 'The server itself' },
      ],
    },
    transform: asOperation,
    transformObject: componentsOf(kinds),
  });
  app.register(async (scope) => {
    declareFor(scope, 'open');
    scope.addHook('onRequest', ({ params }, _reply, done) => {
      // The plugin would take its directory of files for a page.
      const { '*': file } = params as { '*'?: string };
      done(file === '' ? nothingHere() : undefined);
    });
    scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: CONTENT_POLICY });
  });
  app.register(async (scope) => {
    scope.get('/openapi.yaml', { schema: yamlSchema, config: { access: 'open' } }, (_request, reply) => {
      reply.header('content-type', 'application/yaml').send(app.swagger({ yaml: true }));
    });
  });
}

/** What a route declares of who may use it, in the words of OpenAPI. */
const SECURITY: Readonly<Record<Access, readonly Record<string, string[]>[] | undefined>> = {
  open: [],
  'callback-token': [],
  'claim-token': [{ claim: [] }],
  'token-or-claim': [{ bearer: [] }, {}, { claim: [] }],
  'token-or-address': [{ bearer: [] }, {}],
  token: undefined, // as the document says for all
};

const asOperation: typeof jsonSchemaTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input);
  const security = SECURITY[input.route.config?.access ?? 'token'];
  const { body } = input.schema ?? {};
  const { documentPart, bytesOf, orJson } = input.route.config ?? {};
  const mayBeAbsent = body instanceof z.ZodType && body.safeParse(undefined).success;
  return {
    schema: {
      ...schema,
      ...(security && { security }),
      ...(mayBeAbsent && { [BODY_MAY_BE_ABSENT]: true }),
      ...(documentPart && { [DOCUMENT_PART]: documentPart }),
      ...(bytesOf && {
        [BYTES_OF]: { types: bytesOf, ...(orJson && { json: z.toJSONSchema(orJson, { io: 'input' }) }) },
      }),
    },
    url: url.replace(/\*$/, ':path'),
  };
};

/** Marks an operation until the document is whole: the plugin says of every body that it is needed. */
const BODY_MAY_BE_ABSENT = 'x-body-may-be-absent';
/** The same: files may come beside the document, which is the part of this name then. */
const DOCUMENT_PART = 'x-document-part';
/** The same: the body is bytes, and may be of these media types. */
const BYTES_OF = 'x-bytes-of';
type Operations = { [path: string]: { [method: string]: { [key: string]: unknown } } };

function sayWhichBodiesAreNeeded(paths: Operations): void {
  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    if (operation[BODY_MAY_BE_ABSENT]) Object.assign(operation.requestBody ?? {}, { required: false });
    delete operation[BODY_MAY_BE_ABSENT];
    addParts(operation);
    addBytes(operation);
  }
}

function addBytes(operation: { [key: string]: unknown }): void {
  const bytes = operation[BYTES_OF] as { types: readonly string[]; json?: { $schema?: string } } | undefined;
  delete operation[BYTES_OF];
  if (bytes === undefined) return;
  const content: Operations[string] = {};
  for (const type of bytes.types) content[type] = { schema: { type: 'string', contentMediaType: type } };
  const { $schema: _, ...form } = bytes.json ?? {};
  if (bytes.json) content['application/json'] = { schema: form };
  operation.requestBody = { content };
}

function addParts(operation: { [key: string]: unknown }): void {
  const name = operation[DOCUMENT_PART];
  delete operation[DOCUMENT_PART];
  if (typeof name !== 'string') return;
  const { content } = operation.requestBody as { content: { [type: string]: { schema: unknown } } };
  const file = { type: 'string', contentMediaType: 'application/octet-stream' };
  content['multipart/form-data'] = {
    schema: {
      type: 'object',
      description: 'Files beside the document: docs/files.md',
      properties: {
        [name]: content['application/json']?.schema,
        archive: { ...file, description: 'A tar, a tar in gzip or a zip, which is unpacked' },
      },
      required: [name],
      additionalProperties: { ...file, description: 'A file: its filename is its path' },
    },
  };
}

/** Each schema exists as sent and as received; the one that nothing refers to is left out. */
const componentsOf =
  (kinds: readonly Kind[]): SwaggerTransformObject =>
  (document) => {
    const whole = jsonSchemaTransformObject(document) as {
      components?: { schemas?: { [name: string]: unknown } };
      paths?: Operations;
    };
    sayWhichBodiesAreNeeded(whole.paths ?? {});
    const all = whole.components?.schemas ?? {};
    describeKinds(all, kinds);
    const used = new Set<string>();
    const visit = (part: unknown): void => {
      for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        if (used.has(name)) continue;
        used.add(name);
        visit(all[name] ?? {});
      }
    };
    visit({ ...whole, components: null });
    const schemas = Object.fromEntries(Object.entries(all).filter(([name]) => used.has(name)));
    return { ...whole, components: { ...whole.components, schemas } } as ReturnType<SwaggerTransformObject>;
  };
