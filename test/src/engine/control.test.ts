import { expect, test } from 'vitest';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, fake, heldRunner, scripted } from '../../helpers/fake-runner.ts';

const signalOf = (id: string) =>
  ({ method: 'POST', url: `/invocations/${id}/signals`, payload: { signal: 'SIGINT' } }) as const;

test('a run takes what its runner offers, while it runs and not before or after', async () => {
  const got: string[] = [];
  const offering = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<void>();
  const runner = scripted(async ({ offer }) => {
    await offering.promise;
    offer({ signal: async (name) => void got.push(name) });
    await ending.promise;
    setImmediate(() => offer({ signal: async () => void got.push('too late') }));
    return exited();
  });
  await using server = buildEngine({ runners: [runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a' });
  await server.post(fake({}, { invocation_id: 'waiting' }));
  for (const id of ['a', 'waiting'])
    expect((await server.request(signalOf(id))).json()).toMatchObject({ status: 409, code: 'not_running' });
  offering.resolve();
  await expect.poll(async () => (await server.request(signalOf('a'))).statusCode).toBe(204);
  const stdin = { method: 'POST', url: '/invocations/a/stdin', payload: 'x' } as const;
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await server.request({ ...stdin, headers })).json()).toMatchObject({ code: 'not_supported' });
  ending.resolve();
  await server.engine.waitFinished('a', 10_000);
  expect((await server.request(signalOf('a'))).json()).toMatchObject({ status: 409, code: 'not_running' });
  expect((await server.request(signalOf('nobody'))).statusCode).toBe(404);
  expect(got).toEqual(['SIGINT']);
});

test('closing the standard input of what is over is no error, of what has not begun it is', async () => {
  const offering = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<Promise<void>>();
  let closed = 0;
  const runner = scripted(async ({ offer }) => {
    await offering.promise;
    const over = Promise.withResolvers<void>();
    offer({ writeStdin: async () => over.resolve(), closeStdin: async () => void closed++ });
    await over.promise;
    setImmediate(() => ending.resolve(server.engine.closeStdin('a')));
    return exited();
  });
  await using server = buildEngine({ runners: [runner] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a' });
  await expect(server.engine.closeStdin('a')).rejects.toMatchObject({ code: 'not_running' });
  offering.resolve();
  await expect.poll(() => server.engine.closeStdin('a').then(() => closed)).toBe(1);
  await server.engine.writeStdin('a', Buffer.from('x'));
  // The work is over and its result not stored, then it is.
  await await ending.promise;
  await server.engine.waitFinished('a', 10_000);
  await server.engine.closeStdin('a');
  expect(closed).toBe(1);
  await expect(server.engine.closeStdin('nobody')).rejects.toMatchObject({ code: 'invocation_not_found' });
});

test('a second cancel may shorten the grace of the first, which stays the reason', async () => {
  const graces: number[] = [];
  const over = Promise.withResolvers<void>();
  const runner = scripted(async ({ offer, signal }) => {
    offer({
      hasten: (graceMs) => {
        graces.push(graceMs);
        over.resolve();
      },
    });
    signal.addEventListener('abort', () => graces.push(signal.reason.graceMs));
    await over.promise;
    return exited();
  });
  await using server = buildEngine({ runners: [runner] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a', options: { kill_grace_seconds: 1e9 } });
  server.engine.cancel('a');
  server.engine.cancel('a');
  server.engine.cancel('a', 1.5);
  await server.engine.waitFinished('a', 10_000);
  expect(graces).toEqual([2 ** 31 - 1, 1500]);
  expect(server.engine.status('a')).toBe('cancelled');
});

test('what runs is cancelled and what waits is left when everything is to end', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.post({ runtime_kind: 'held', invocation_id: 'a' });
  await server.post({ runtime_kind: 'held', invocation_id: 'b' });
  await server.engine.cancelAll({ graceSeconds: 0 });
  expect(server.engine.status('a')).toBe('cancelled');
  expect(server.engine.status('b')).toBe('pending');
  expect(held.started).toEqual(['a']);
});
