import { z } from 'zod';
import about from '../package.json' with { type: 'json' };
import type { Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';
import { JSON_TYPE, negotiate } from './requests/negotiation.ts';

const HTML_TYPE = 'text/html';

const Pointers = z.strictObject({
  name: z.literal('runwire'),
  version: z.string(),
  invocations: z.string(),
  workspaces: z.string(),
  snapshots: z.string(),
  assets: z.string(),
  environment_specs: z.string(),
  sessions: z.string(),
  runtimes: z.string(),
  readiness: z.string(),
  docs: z.string(),
  openapi: z.string(),
  llms: z.string(),
});
const POINTERS: z.infer<typeof Pointers> = {
  name: 'runwire',
  version: about.version,
  invocations: '/invocations',
  workspaces: '/workspaces',
  snapshots: '/snapshots',
  assets: '/assets',
  environment_specs: '/environment-specs',
  sessions: '/sessions',
  runtimes: '/runtimes',
  readiness: '/readyz',
  docs: '/docs/',
  openapi: '/openapi.yaml',
  llms: '/llms.txt',
};

const rootSchema = {
  operationId: 'getRoot',
  tags: ['server'],
  summary: 'Where things are; needs no token',
  response: {
    200: json('Where things are', Pointers),
    302: z.undefined().describe('To /docs/, for who asks for text/html as a browser does'),
    ...problems,
  },
};

export const rootRoutes: Routes = (app) => {
  app.get('/', { schema: rootSchema, config: { access: 'open' } }, async (request, reply) => {
    reply.header('vary', 'accept');
    // Relative: a proxy in front may have taken a prefix off.
    if (negotiate(request.headers.accept, [JSON_TYPE, HTML_TYPE]) === HTML_TYPE)
      return reply.redirect('docs/');
    return reply.send(POINTERS);
  });
};
