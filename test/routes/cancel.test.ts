import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

const cancel = (payload?: object) =>
  ({ method: 'POST', url: '/invocations/a/cancel', ...(payload && { payload }) }) as const;

test('a running run is asked to stop: 202 with its record, as often as one likes', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const first = await stub.app.inject(cancel());
  expect(first.statusCode).toBe(202);
  expect(first.json()).toEqual(stub.engine.record('a'));
  expect((await stub.app.inject(cancel({ grace_seconds: 0 }))).statusCode).toBe(202);
  expect(stub.engine.cancels).toEqual([undefined, 0]);
});

test('a finished run is unchanged: 200', async () => {
  await using stub = stubApp();
  await stub.start('a');
  stub.engine.finish('a', 'failed', 1);
  const response = await stub.app.inject(cancel());
  expect(response.statusCode).toBe(200);
  expect(response.json()).toMatchObject({ status: 'failed' });
});

test('an empty body of JSON is no body', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const headers = { 'content-type': 'application/json' };
  expect((await stub.app.inject({ ...cancel(), headers, payload: '' })).statusCode).toBe(202);
});

test.each([{ grace_seconds: -1 }, { grace: 1 }])('%j is refused', async (payload) => {
  await using stub = stubApp();
  await stub.start('a');
  const response = await stub.app.inject(cancel(payload));
  expect(response.statusCode).toBe(422);
  expect(response.json().errors[0].path).toBe(Object.keys(payload)[0]);
  expect(stub.engine.cancels).toEqual([]);
});
