import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';

let app: BuiltApp;
beforeEach(async () => {
  app = await buildApp({ config: { RUNWIRE_MAX_CONCURRENT: '1', RUNWIRE_MAX_QUEUE: '3' } });
});
afterEach(() => app.end());

const submit = (payload: object) => app.app.inject({ method: 'POST', url: '/invocations', payload });

test('runs that others do take no place: programs run beside them', async () => {
  for (let count = 0; count < 3; count++) {
    const response = await submit({ runtime_kind: 'manual' });
    expect([response.statusCode, response.json().status]).toEqual([202, 'running']);
  }
  const { status } = await app.run({ runtime_kind: 'subprocess', command: ['true'] });
  expect(status).toBe('succeeded');
  expect(app.engine.readiness()).toMatchObject({ ready: true, running: 3, queued: 0 });
});

test('they are bounded all the same, and one that ends makes room', async () => {
  const ids = [];
  for (let count = 0; count < 3; count++)
    ids.push((await submit({ runtime_kind: 'manual' })).json().invocation.invocation_id);
  const refused = await submit({ runtime_kind: 'manual' });
  expect([refused.statusCode, refused.json().code]).toEqual([429, 'queue_full']);
  expect((await submit({ runtime_kind: 'subprocess', command: ['true'] })).statusCode).toBe(202);
  app.engine.cancel(ids[0]);
  await app.engine.waitFinished(ids[0], 10_000);
  expect((await submit({ runtime_kind: 'manual' })).statusCode).toBe(202);
});

test('a server that drains does not wait for them and leaves them as they are', async () => {
  const id = (await submit({ runtime_kind: 'manual' })).json().invocation.invocation_id;
  await app.engine.drain(60_000);
  await app.engine.cancelAll({ graceSeconds: 0 });
  expect(app.engine.status(id)).toBe('running');
});
