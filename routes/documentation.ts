import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import about from '../package.json' with { type: 'json' };
import { content, problems, Raw } from './lib/components.ts';

const yamlSchema = {
  operationId: 'getOpenapi',
  tags: ['server'],
  summary: 'This description; needs no token',
  security: [],
  response: { 200: content('OpenAPI 3.1', { 'application/yaml': Raw }), ...problems },
};

/** openapi.yaml from the schemas of the routes, and a page that shows it from files of this server. */
export function documentation(app: FastifyInstance): void {
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
        { name: 'runtimes', description: 'What can be run' },
        { name: 'server', description: 'The server itself' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: onlyUsed,
  });
  app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  app.register(async (scope) => {
    scope.get('/openapi.yaml', { schema: yamlSchema }, (_request, reply) => {
      reply.header('content-type', 'application/yaml').send(app.swagger({ yaml: true }));
    });
  });
}

/** Each schema exists as sent and as received; the one that nothing refers to is left out. */
const onlyUsed: SwaggerTransformObject = (document) => {
  const whole = jsonSchemaTransformObject(document) as {
    components?: { schemas?: { [name: string]: unknown } };
  };
  const all = whole.components?.schemas ?? {};
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
