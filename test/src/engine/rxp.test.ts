import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { expectRxpDocuments } from '../../helpers/rxp.ts';

let app: BuiltApp;
beforeAll(async () => {
  app = await buildApp({ config: { DOCKER_HOST: 'unix:///nowhere' } });
});
afterAll(() => app.end());

/** Invocations that come to nothing, each in its own way. */
const FRUITLESS: Record<string, Record<string, unknown>> = {
  'of no kind': { runtime_kind: 'unknown' },
  'of a kind that nobody knows': { runtime_kind: 'constructor', command: ['x'] },
  'of a kind with a quote in it': { runtime_kind: '"kind"\\' },
  'without a directory': { runtime_kind: 'subprocess', command: ['true'], working_directory: '/no/such' },
  'without a program': { runtime_kind: 'subprocess', command: ['/no/such/program'], timeout_seconds: 0.5 },
  'whose program is killed': { runtime_kind: 'subprocess', command: ['sh', '-c', 'kill -9 $$'] },
  'that takes too long': { runtime_kind: 'subprocess', command: ['sleep', '60'], timeout_seconds: 0.01 },
  'without an address': { runtime_kind: 'http' },
  'without an engine': { runtime_kind: 'container', options: { docker: { image: 'x' } } },
  'without an image': { runtime_kind: 'docker' },
  'that may not be called': {
    runtime_kind: 'async-http',
    options: { http_async: { url: 'http://10.0.0.1/' } },
  },
  'that no worker takes': { runtime_kind: 'manual', timeout_seconds: 0.01 },
};

test.each(Object.entries(FRUITLESS))('a run %s is told in RxP', async (_, fields) => {
  const { status, invocation, runtime_kind } = await app.run(fields);
  expect(status).not.toBe('succeeded');
  expect(invocation.runtime_kind).toBe(fields.runtime_kind);
  expect(
    app.engine.kinds.some(({ kind }) => kind === runtime_kind) || runtime_kind === fields.runtime_kind,
  ).toBe(true);
  await expectRxpDocuments(app, invocation.invocation_id);
});

test('the exact invocation is there while the run goes on, and is unknown or gone as the run is', async () => {
  const id = `exact-${randomUUID()}`;
  const path = `/invocations/${id}/invocation`;
  expect((await app.app.inject(path)).statusCode).toBe(404);
  const payload = {
    invocation_id: id,
    runtime_kind: 'manual',
    timeout_seconds: 59.5,
    options: { kill_grace_seconds: 0 },
  };
  await app.app.inject({ method: 'POST', url: '/invocations', payload });
  const answer = await app.app.inject(path);
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({ invocation_id: id, command: ['manual'], timeout_seconds: 60 });
  expect(answer.json()).not.toHaveProperty('options');
  expect(app.engine.record(id).links.invocation).toBe(path);
  await app.app.inject({ method: 'POST', url: `/invocations/${id}/cancel` });
  await app.engine.waitFinished(id, 20_000);
  expect((await app.app.inject({ method: 'DELETE', url: `/invocations/${id}` })).statusCode).toBe(204);
  expect((await app.app.inject(path)).statusCode).toBe(410);
});
