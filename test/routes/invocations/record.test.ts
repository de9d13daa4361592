import { request } from 'node:http';
import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

test('GET gives the record as it is stored', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const response = await stub.app.inject('/invocations/a');
  expect(response.statusCode).toBe(200);
  expect(response.body).toBe(stub.engine.recordJson('a'));
  expect(response.headers['cache-control']).toBe('no-store');
  expect(response.headers['server-timing']).toBeUndefined();
});

test('HEAD is GET without the body', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const response = await stub.app.inject({ method: 'HEAD', url: '/invocations/a' });
  expect(response.statusCode).toBe(200);
  expect(response.body).toBe('');
  expect(response.headers['content-length']).toBe(String(stub.engine.recordJson('a').length));
});

test('?wait answers when the run has finished', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const answer = stub.app.inject('/invocations/a?wait=30');
  await expect.poll(() => stub.engine.holding('a').waits).toBe(1);
  stub.engine.finish('a');
  const response = await answer;
  expect(response.json()).toMatchObject({ status: 'succeeded' });
  expect(response.headers['server-timing']).toBe('queue;dur=0.5, run;dur=12');
});

test('?wait gives up with the record as it is', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const response = await stub.app.inject('/invocations/a?wait=0.01');
  expect(response.statusCode).toBe(200);
  expect(response.json()).toMatchObject({ status: 'running' });
});

test.each(['wait=-1', 'wait=soon'])('?%s is refused', async (query) => {
  await using stub = stubApp();
  await stub.start('a');
  const response = await stub.app.inject(`/invocations/a?${query}`);
  expect(response.statusCode).toBe(400);
  expect(response.json().errors[0].path).toBe('wait');
});

test('nobody waits for a client that left', async () => {
  await using stub = stubApp();
  const origin = await stub.listen();
  await stub.start('a');
  const leaving = request(`${origin}/invocations/a?wait=30`).end();
  leaving.on('error', () => {});
  await expect.poll(() => stub.engine.holding('a').waits).toBe(1);
  leaving.destroy();
  await expect.poll(() => stub.engine.holding('a').waits).toBe(0);
  expect(stub.engine.status('a')).toBe('running');
});

test('the result is there when the run has finished, and 409 before', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const early = await stub.app.inject('/invocations/a/result');
  expect(early.statusCode).toBe(409);
  expect(early.json()).toMatchObject({ code: 'not_finished' });
  stub.engine.finish('a');
  const response = await stub.app.inject('/invocations/a/result');
  expect(response.json()).toEqual(stub.engine.record('a').result);
});

test('DELETE removes a finished run, once', async () => {
  await using stub = stubApp();
  await stub.start('a');
  expect((await stub.app.inject({ method: 'DELETE', url: '/invocations/a' })).statusCode).toBe(409);
  stub.engine.finish('a');
  const gone = await stub.app.inject({ method: 'DELETE', url: '/invocations/a' });
  expect([gone.statusCode, gone.body]).toEqual([204, '']);
  expect((await stub.app.inject({ method: 'DELETE', url: '/invocations/a' })).statusCode).toBe(404);
});

test.each([
  ['GET', ''],
  ['GET', '?wait=1'],
  ['DELETE', ''],
  ['GET', '/result'],
  ['GET', '/events'],
  ['GET', '/stdout'],
  ['GET', '/stderr'],
  ['GET', '/output?follow=true'],
  ['POST', '/stdin'],
  ['POST', '/cancel'],
  ['GET', '/artifacts'],
  ['GET', '/artifacts/stdout'],
] as const)('%s /invocations/none%s is 404', async (method, path) => {
  await using stub = stubApp();
  const response = await stub.app.inject({ method, url: `/invocations/none${path}` });
  expect(response.statusCode).toBe(404);
  expect(response.json()).toMatchObject({ code: 'invocation_not_found' });
});

test('an id of any length is just unknown', async () => {
  await using stub = stubApp();
  for (const length of [513, 12_000]) {
    const response = await stub.app.inject(`/invocations/${'a'.repeat(length)}/result`);
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ code: 'invocation_not_found' });
  }
});

test('an id that could leave its directory is none, or just unknown', async () => {
  await using stub = stubApp();
  for (const [id, status] of [
    ['..%2f..%2fetc', 404],
    ['%2e%2e', 404], // folded by the client, as URL parsers do
    ['a%00b', 400],
    ['x'.repeat(300), 404],
  ] as const)
    expect([id, (await stub.app.inject(`/invocations/${id}/stdout`)).statusCode]).toEqual([id, status]);
});
