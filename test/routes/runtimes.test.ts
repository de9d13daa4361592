import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

test('kinds are listed, with why one is not available', async () => {
  await using stub = stubApp();
  const { items } = (await stub.app.inject('/runtimes')).json();
  expect(items).toEqual(await stub.engine.runtimes());
  expect(items[1]).toMatchObject({ kind: 'docker', available: false, reason: 'no Docker here' });
});

test('a kind is found by its name and its other words', async () => {
  await using stub = stubApp();
  expect((await stub.app.inject('/runtimes/docker')).json()).toMatchObject({ kind: 'docker' });
  expect((await stub.app.inject('/runtimes/container')).json()).toMatchObject({ kind: 'docker' });
});

test('a kind that the server has not is 404', async () => {
  await using stub = stubApp();
  for (const kind of ['unknown', 'constructor', '__proto__'])
    expect((await stub.app.inject(`/runtimes/${kind}`)).json()).toMatchObject({ code: 'runtime_not_found' });
});
