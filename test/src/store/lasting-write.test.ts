import { expect, test } from 'vitest';
import { RunwireError } from '../../../src/documents/errors.ts';
import type { InvocationStore } from '../../../src/store/invocation-store.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { fake, heldRunner } from '../../helpers/fake-runner.ts';

/** Let a store call fail the next `times`, as a full disk does: the write throws and the turn is lost. */
function failing(
  store: InvocationStore,
  name: 'insert' | 'markRunning' | 'finish' | 'remove',
  times: number,
) {
  const real = store[name].bind(store) as (...given: unknown[]) => unknown;
  let left = times;
  Object.defineProperty(store, name, {
    configurable: true,
    value: (...given: unknown[]) => {
      if (left-- > 0) throw new RunwireError('insufficient_storage', 'The disk of the server is full');
      return real(...given);
    },
  });
}

/** Let the next commit be lost. */
function lostCommit(store: InvocationStore) {
  const real = store.committed.bind(store);
  Object.defineProperty(store, 'committed', {
    configurable: true,
    value: () => {
      Object.defineProperty(store, 'committed', { configurable: true, value: real });
      return Promise.reject(new RunwireError('insufficient_storage', 'The disk of the server is full'));
    },
  });
}

test('a result that cannot be stored is stored when there is space again, and nobody sees the end before', async () => {
  await using server = buildEngine();
  failing(server.store, 'finish', 1);
  const waiting = server.run(fake({ logs: ['x'] }, { invocation_id: 'a' }));
  const record = await waiting;
  expect(record.status).toBe('succeeded');
  expect((await server.events('a')).at(-1)?.type).toBe('finished');
});

test('a waiting run starts when its start can be stored, and its place is not lost', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.post({ runtime_kind: 'held', invocation_id: 'a' });
  await server.post(fake({}, { invocation_id: 'b' }));
  await server.post(fake({}, { invocation_id: 'c' }));
  failing(server.store, 'markRunning', 1);
  held.release('a');
  for (const id of ['a', 'b', 'c']) {
    expect(await server.engine.waitFinished(id, 20_000)).toBe(true);
    expect(server.engine.status(id)).toBe('succeeded');
  }
  expect(server.engine.readiness()).toMatchObject({ running: 0, queued: 0 });
});

test('a submission that cannot be stored is refused, and neither runs nor leaves files', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  failing(server.store, 'insert', 1);
  expect((await server.post({ runtime_kind: 'held', invocation_id: 'a' })).statusCode).toBe(507);
  lostCommit(server.store);
  expect((await server.post({ runtime_kind: 'held', invocation_id: 'b' })).statusCode).toBe(507);
  expect(held.started).toEqual([]);
  await expect.poll(() => server.engine.readiness()).toMatchObject({ running: 0, queued: 0 });
});

test('a waiting run whose record is lost never starts', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.post({ runtime_kind: 'held', invocation_id: 'a' });
  lostCommit(server.store);
  expect((await server.post({ runtime_kind: 'held', invocation_id: 'b' })).statusCode).toBe(507);
  await expect.poll(() => server.engine.readiness()).toMatchObject({ running: 1, queued: 0 });
  held.release('a');
  await server.engine.waitFinished('a', 10_000);
  expect(held.started).toEqual(['a']);
});

test('a deletion that cannot be stored leaves the run as it was', async () => {
  await using server = buildEngine();
  await server.run(fake({ logs: ['kept'] }, { invocation_id: 'a' }));
  failing(server.store, 'remove', 2);
  const remove = () => server.request({ method: 'DELETE', url: '/invocations/a' });
  expect((await remove()).statusCode).toBe(507);
  expect((await server.get('/invocations/a/stdout')).body).toBe('kept');
  expect((await remove()).statusCode).toBe(204);
});
