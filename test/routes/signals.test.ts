import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

test('a signal goes to the run by name', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const payload = { signal: 'SIGINT' };
  const response = await stub.app.inject({ method: 'POST', url: '/invocations/a/signals', payload });
  expect([response.statusCode, response.body]).toEqual([204, '']);
  expect(stub.engine.signals).toEqual(['SIGINT']);
});

test.each([
  [{ signal: 'SIGNONSENSE' }, 'signal'],
  [{ signal: 'INT' }, 'signal'],
  [{ signal: 9 }, 'signal'],
  [{}, 'signal'],
  [{ signal: 'SIGINT', to: 'all' }, 'to'],
])('%j is refused by name', async (payload, path) => {
  await using stub = stubApp();
  await stub.start('a');
  const response = await stub.app.inject({ method: 'POST', url: '/invocations/a/signals', payload });
  expect(response.statusCode).toBe(422);
  expect(response.json()).toMatchObject({ code: 'invalid_field', errors: [{ path }] });
  expect(stub.engine.signals).toEqual([]);
});
