import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { json, startBackend } from '../fixtures/backend.ts';
import { buildApp } from '../helpers/build-app.ts';
import { stubApp } from '../helpers/stub-app.ts';

test('a good address is taken with any JSON, or none; a false one is 401', async () => {
  await using server = stubApp({ token: 'a-long-enough-token' });
  const { app, engine } = server;
  const post = (query: string, payload?: object) =>
    app.inject({ method: 'POST', url: `/invocations/x/callback${query}`, ...(payload && { payload }) });
  expect((await post('?token=good', { status: 'completed' })).statusCode).toBe(204);
  expect((await post('?token=good')).statusCode).toBe(204);
  expect(engine.callbacks).toEqual([
    { id: 'x', body: '{"status":"completed"}' },
    { id: 'x', body: '' },
  ]);
  expect((await post('?token=bad', {})).json()).toMatchObject({ status: 401, code: 'unauthorized' });
  expect((await post('')).statusCode).toBe(400);
  // What is open is the one method: another is as closed as any path.
  expect((await app.inject('/invocations/x/callback?token=good')).statusCode).toBe(401);
});

test.each([
  ['a form', 'application/x-www-form-urlencoded', 'status=completed'],
  ['plain text', 'text/plain; charset=latin1', 'done'],
  ['JSON of a type of its own', 'application/cloudevents+json', '{"data":{"status":"completed"}}'],
  ['broken JSON', 'application/json', '{"status":'],
  ['JSON behind a byte order mark', 'application/json', '\ufeff{"n":9007199254740993}'],
  ['half a character', 'application/json', '{"status":"\\ud800"}'],
  ['nothing, of a type', 'application/json', ''],
  ['no known type', 'banana', 'x'],
  ['no type', undefined, '{"status":"completed"}'],
])('what a backend sends is taken whatever it is, as it came: %s', async (_name, type, payload) => {
  await using server = stubApp({ token: 'a-long-enough-token' });
  const { app, engine } = server;
  const url = '/invocations/x/callback?token=good';
  const answer = await app.inject({
    method: 'POST',
    url,
    payload: Buffer.from(payload),
    headers: { ...(type && { 'content-type': type }) },
  });
  expect(answer.statusCode).toBe(204);
  expect(engine.callbacks).toEqual([{ id: 'x', body: payload }]);
});

test('what is compressed is no JSON, and news all the same; what is too long is refused', async () => {
  await using server = stubApp();
  const { app, engine } = server;
  const post = (payload: Buffer, headers = {}) =>
    app.inject({ method: 'POST', url: '/invocations/x/callback?token=good', payload, headers });
  expect((await post(gzipSync('{}'), { 'content-encoding': 'gzip' })).statusCode).toBe(204);
  expect(engine.callbacks).toHaveLength(1);
  expect((await post(Buffer.alloc(17 * 1024 * 1024, 'x'))).statusCode).toBe(413);
});

test('only the callback itself needs no token', async () => {
  await using server = stubApp({ token: 'a-long-enough-token' });
  for (const url of [
    '/invocations/x/callback/../cancel',
    '/invocations/x/cancel?/callback',
    '/invocations/x/callbacks',
  ])
    expect((await server.app.inject({ method: 'POST', url })).statusCode, url).toBe(401);
});

test('a backend calls back over HTTP, at the address the server listens on, without its token', async () => {
  await using backend = await startBackend();
  const token = 'a-long-enough-token';
  const built = await buildApp({ config: { RUNWIRE_TOKEN: token } });
  try {
    const address = await built.listen();
    backend.on('/jobs', async (response, request) => {
      const url = String(request.headers['x-done']);
      expect(url.startsWith(`${address}/invocations/`)).toBe(true);
      await json({}, 202)(response, request);
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"s":"done"}',
      });
    });
    const answer = await fetch(`${address}/invocations?wait=20`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        runtime_kind: 'http_async',
        options: {
          http_async: {
            url: `${backend.url}/jobs`,
            poll_status_path: 's',
            poll_terminal_states: ['done'],
            poll_success_states: ['done'],
            callback: { header: 'x-done' },
          },
        },
      }),
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      status: 'succeeded',
      result: { metadata: { last_state: 'done' } },
    });
    const kinds = await fetch(`${address}/runtimes`, { headers: { authorization: `Bearer ${token}` } });
    expect(JSON.stringify(await kinds.json())).toContain('poll_url_template');
  } finally {
    await built.end();
  }
});
