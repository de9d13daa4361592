import { expect, test } from 'vitest';
import { z } from 'zod';
import { buildEngine } from '../helpers/build-engine.ts';
import { exited, scripted } from '../helpers/fake-runner.ts';

const { parse: _parse, ...bare } = scripted(async () => exited());
const http = {
  ...bare,
  kind: 'http',
  spec: z.strictObject({ url: z.string(), retries: z.number().int().default(2) }),
};

test('the spec of a kind is checked before the run is accepted, and faulty fields are named', async () => {
  await using server = buildEngine({ runners: [http] });
  const refused = await server.post({ runtime_kind: 'http', options: { http: { url: 7, retrys: 1 } } });
  expect(refused.json()).toMatchObject({
    status: 422,
    code: 'invalid_invocation',
    errors: [
      { path: 'options.http.url', message: expect.any(String) },
      { path: 'options.http.retrys', message: 'is not a known field' },
    ],
  });
  expect((await server.post({ runtime_kind: 'http' })).json().errors[0].path).toBe('options.http.url');
  expect((await server.get('/invocations')).json().items).toEqual([]);
  expect((await server.run({ runtime_kind: 'http', options: { http: { url: 'x' } } })).status).toBe(
    'succeeded',
  );
});

test('a kind that starts a process needs a command', async () => {
  await using server = buildEngine({ runners: [scripted(async () => exited(), { needsCommand: true })] });
  const refused = await server.post({ runtime_kind: 'scripted' });
  expect(refused.json()).toMatchObject({
    status: 422,
    errors: [{ path: 'command', message: 'is needed by this kind' }],
  });
});

test('an alias finds its runner, and the result echoes the word that was sent', async () => {
  await using server = buildEngine({ runners: [scripted(async () => exited(), { kind: 'docker' })] });
  const { result, invocation } = await server.run({ runtime_kind: 'container' });
  expect(result).toMatchObject({ status: 'succeeded', runtime_kind: 'container', runtime_name: 'container' });
  const { items } = (await server.get('/invocations?runtime_kind=docker')).json();
  expect(items).toHaveLength(1);
  expect(items[0].invocation).toEqual(invocation);
});
