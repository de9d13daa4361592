import { z } from 'zod';
import type { Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';

const Runtime = z.strictObject({
  kind: z.string(),
  name: z.string(),
  description: z.string(),
  options_schema: z.unknown().describe('JSON Schema of options.<kind>'),
  available: z.boolean(),
  reason: z.string().nullable().describe('Why it is not available'),
});

const tags = ['runtimes'];
const listSchema = {
  operationId: 'listRuntimes',
  tags,
  summary: 'The kinds this server can run',
  response: { 200: json('Kinds', z.strictObject({ items: z.array(Runtime) })), ...problems },
};
const getSchema = {
  operationId: 'getRuntime',
  tags,
  summary: 'One kind, by name or alias',
  response: { 200: json('The kind', Runtime), ...problems },
};

export const runtimesRoutes: Routes = (app, { engine }) => {
  app.get('/runtimes', { schema: listSchema, config: { access: 'token' } }, async () => ({
    items: await engine.runtimes(),
  }));

  app.get<{ Params: { kind: string } }>(
    '/runtimes/:kind',
    { schema: getSchema, config: { access: 'token' } },
    ({ params }) => engine.runtime(params.kind),
  );
};
