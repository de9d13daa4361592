import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { Completion } from '../../src/documents/completion.ts';
import { InvocationInput } from '../../src/documents/invocation.ts';
import { SnapshotInput } from '../../src/documents/snapshot.ts';
import { WorkerEvent } from '../../src/documents/worker-event.ts';
import { RestoreInput, WorkspaceInput } from '../../src/documents/workspace.ts';
import { buildApp } from '../helpers/build-app.ts';
import { stubApp } from '../helpers/stub-app.ts';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const file = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8');
const document = parse(file);
const operations = Object.entries<Record<string, { operationId: string; responses: object }>>(
  document.paths,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test('openapi.yaml is what the server gives (if not: npm run openapi)', async () => {
  const server = await buildApp();
  const response = await server.app.inject('/openapi.yaml');
  await server.end();
  expect(response.headers['content-type']).toMatch(/^application\/yaml/);
  expect(response.body).toBe(file);
});

test('options of kinds are described by their own schemas, on each server those of its kinds', async () => {
  await using stub = stubApp();
  const { schemas } = parse((await stub.app.inject('/openapi.yaml')).body).components;
  expect(schemas.DockerOptions).toMatchObject({ required: ['image'], additionalProperties: false });
  for (const options of [schemas.OptionsInput, schemas.Options])
    expect(options.properties).toMatchObject({ docker: { $ref: '#/components/schemas/DockerOptions' } });
  expect(Object.keys(schemas.OptionsInput.properties)).not.toContain('http');
  // What a spec leaves out comes with an invocation.
  expect(schemas.SpecOptionsInput.properties.docker).toEqual({
    $ref: '#/components/schemas/SpecDockerOptions',
  });
  expect(schemas.SpecDockerOptions.required).toBeUndefined();
  expect(schemas.SpecOptionsInput.additionalProperties).toBe(false);
  expect(schemas.InvocationInput.properties.runtime_kind.description).toBe(
    'One of subprocess, docker, or an alias of one: container; may be absent where options name an environment spec or a session, which have one',
  );
});

test('an invocation has a kind, or names who has one', async () => {
  const { schemas } = parse(file).components;
  const { required = [], anyOf } = schemas.InvocationInput;
  expect(required).not.toContain('runtime_kind');
  expect(anyOf).toEqual([
    { required: ['runtime_kind'] },
    { required: ['options'], properties: { options: { required: ['environment_spec'] } } },
    { required: ['options'], properties: { options: { required: ['session'] } } },
  ]);
});

test('every route of the app is described and every description has a route', async () => {
  await using stub = stubApp();
  const routes: string[] = [];
  stub.app.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat())
      if (METHODS.includes(name.toLowerCase()) && !url.startsWith('/docs'))
        routes.push(`${name.toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')}`);
  });
  await stub.app.ready();
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(routes.sort());
});

test('the documents are named, each is used, and nothing refers to what is not there', () => {
  const names = Object.keys(document.components.schemas);
  expect(names).toEqual(
    expect.arrayContaining([
      'RuntimeInvocation',
      'RuntimeResult',
      'ArtifactDescriptor',
      'RuntimeEvent',
      'Record',
      'Outcome',
      'Problem',
    ]),
  );
  const referred = new Set([...file.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name));
  expect([...referred].sort()).toEqual([...names].sort());
});

test('every operation has an id of its own, a summary and says how it fails', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { operation } of operations) {
    expect(operation).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] });
    expect(Object.keys(operation.responses)).toContain('default');
  }
});

test('operations that take bytes say so, with the types they may be of', () => {
  const taking = operations.flatMap(({ operation }) => {
    const { operationId, requestBody } = operation as {
      operationId: string;
      requestBody?: { content: object };
    };
    const types = Object.keys(requestBody?.content ?? {}).filter((type) => !/json|multipart/.test(type));
    return types.length === 0 ? [] : [[operationId, types.length]];
  });
  expect(taking.sort()).toEqual([
    ['putArtifact', 1],
    ['putAsset', 1],
    ['putClaimedFile', 1],
    ['putWorkspaceFile', 1],
    ['unpackIntoWorkspace', 4],
    ['writeStdin', 1],
  ]);
});

test('the documentation page and all it loads come from this server', async () => {
  await using stub = stubApp({ token: 'a-long-enough-token' });
  const page = await stub.app.inject('/docs');
  expect(page.statusCode).toBe(200);
  const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url);
  expect(parts.length).toBeGreaterThan(3);
  for (const part of parts) {
    const url = new URL(part, 'http://localhost/docs');
    expect(url.host).toBe('localhost');
    expect((await stub.app.inject(url.pathname)).statusCode, part).toBe(200);
  }
});

test('the examples of what clients send are taken as they stand', () => {
  const { InvocationInput: Invocation, WorkerEventInput, CompletionInput } = document.components.schemas;
  expect(InvocationInput.safeParse(Invocation.examples[0])).toMatchObject({ success: true });
  expect(WorkerEvent.safeParse(WorkerEventInput.examples[0])).toMatchObject({ success: true });
  expect(Completion.safeParse(CompletionInput.examples[0])).toMatchObject({ success: true });
});

test('of what workspaces are asked for there is an example, which is taken as it stands', () => {
  const taken: { readonly [path: string]: z.ZodType } = {
    '/workspaces': WorkspaceInput,
    '/workspaces/{workspace_id}/snapshots': SnapshotInput,
    '/workspaces/{workspace_id}/restore': RestoreInput,
  };
  for (const [path, schema] of Object.entries(taken)) {
    const { example } = document.paths[path].post.requestBody.content['application/json'];
    expect(schema.safeParse(example), path).toMatchObject({ success: true });
  }
});
