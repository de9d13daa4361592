import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { stubApp } from '../../helpers/stub-app.ts';

let app: BuiltApp;
beforeEach(async () => {
  app = await buildApp({ config: { RUNWIRE_TOKEN: 'the-token-of-the-server' } });
});
afterEach(() => app.end());

const SERVER = { authorization: 'Bearer the-token-of-the-server' };
const claim = (payload: object | undefined, headers: Record<string, string> = SERVER) =>
  app.app.inject({ method: 'POST', url: '/manual/claims', headers, ...(payload && { payload }) });
const submit = (invocation: object = {}) =>
  app.app.inject({
    method: 'POST',
    url: '/invocations',
    headers: SERVER,
    payload: { runtime_kind: 'manual', ...invocation },
  });

test('only who has the token of the server may claim', async () => {
  await submit();
  expect((await claim({}, {})).statusCode).toBe(401);
  expect((await claim({}, { authorization: 'Bearer rwc_guess' })).statusCode).toBe(401);
  expect((await claim({})).statusCode).toBe(200);
});

test('a claim has the run, a token, and addresses relative to the server', async () => {
  const id = (await submit({ options: { on_finish: { url: 'http://x', secret: 'hush' } } })).json().invocation
    .invocation_id;
  const { statusCode, json, body } = await claim(undefined);
  expect(statusCode).toBe(200);
  expect(json().claim).toEqual({
    token: expect.stringMatching(/^rwc_[\w-]{43}$/),
    attempt: 1,
    lease_expires_at: expect.stringMatching(/Z$/),
    urls: {
      events: `/invocations/${id}/events`,
      artifacts: `/invocations/${id}/artifacts`,
      heartbeat: `/invocations/${id}/heartbeat`,
      completion: `/invocations/${id}/completion`,
      files: `/invocations/${id}/files`,
    },
  });
  expect(body).not.toContain('hush');
});

test('when nothing waits the answer is 204, also after a wait', async () => {
  const { statusCode, body } = await claim({ wait_seconds: 0.05 });
  expect([statusCode, body]).toEqual([204, '']);
});

test.each([
  [{ lease_seconds: 0 }, 'lease_seconds'],
  [{ lease_seconds: 86_401 }, 'lease_seconds'],
  [{ wait_seconds: -1 }, 'wait_seconds'],
  [{ runtime_name: '' }, 'runtime_name'],
  [{ name: 'x' }, 'name'],
])('the request %j is refused by name', async (payload, path) => {
  const response = await claim(payload);
  expect([response.statusCode, response.json().errors[0].path]).toEqual([422, path]);
});

test('a server whose kinds have no workers says so', async () => {
  await using stub = stubApp();
  const response = await stub.app.inject({ method: 'POST', url: '/manual/claims', payload: {} });
  expect([response.statusCode, response.json().code]).toEqual([409, 'not_supported']);
});

test('a closing server lets waiting workers go', async () => {
  const address = await app.listen();
  const claims = vi.spyOn(app.engine.claims(), 'claim');
  const waiting = fetch(`${address}/manual/claims`, {
    method: 'POST',
    headers: { ...SERVER, 'content-type': 'application/json' },
    body: '{"wait_seconds":3000}',
  });
  await expect.poll(() => claims.mock.calls.length).toBe(1);
  const closed = app.app.close();
  expect((await waiting).status).toBe(204);
  await closed;
});
