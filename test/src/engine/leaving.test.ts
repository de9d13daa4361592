import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';

/** Goes on until it is stopped, and then takes its time; `begun` gives its context to the test. */
function lasting(begun: (ctx: RunContext) => void) {
  return scripted(async (ctx) => {
    begun(ctx);
    await sleep(60_000, undefined, { signal: ctx.signal }).catch(() => sleep(300));
    return exited();
  });
}

const leave = { leave: true };

test('a run is left from the moment on at which its work outlives the server, and is waited for until then', async () => {
  const begun = Promise.withResolvers<RunContext>();
  await using server = buildEngine({ runners: [lasting(begun.resolve)] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a' });
  const { outlives } = await begun.promise;
  expect(server.engine.whenStopped(true)).toEqual({ left: 0, ending: 1, waiting: 0 });
  let drained = false;
  const drain = server.engine.drain(60_000, leave).then(() => {
    drained = true;
  });
  await sleep(50);
  expect(drained).toBe(false);
  outlives();
  await drain;
  expect(await server.engine.cancelAll(leave)).toBe(true);
  expect(server.engine.status('a')).toBe('running');
  expect(server.engine.whenStopped(true)).toEqual({ left: 1, ending: 0, waiting: 0 });
});

test('a run whose work does not outlive the server may finish, and is cancelled by the shutdown then', async () => {
  const begun = Promise.withResolvers<RunContext>();
  await using server = buildEngine({ runners: [lasting(begun.resolve)] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a' });
  await begun.promise;
  await server.engine.drain(50, leave);
  expect(server.engine.status('a')).toBe('running');
  expect(await server.engine.cancelAll(leave)).toBe(true);
  expect(server.engine.record('a')).toMatchObject({
    status: 'cancelled',
    outcome: { cancelled_by: { by: 'shutdown' } },
    result: { error_summary: 'cancelled: the server was stopped' },
  });
});

test('a run that is being stopped is not left: who asked for its end has it carried out', async () => {
  const begun = Promise.withResolvers<RunContext>();
  await using server = buildEngine({ runners: [lasting(begun.resolve)] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a' });
  (await begun.promise).outlives();
  server.engine.cancel('a');
  expect(server.engine.whenStopped(true)).toEqual({ left: 0, ending: 1, waiting: 0 });
  await server.engine.drain(60_000, leave);
  expect(server.engine.record('a')).toMatchObject({
    status: 'cancelled',
    outcome: { cancelled_by: { by: 'client' } },
  });
});

test('what waits is told of, and stays as it is', async () => {
  const begun = Promise.withResolvers<RunContext>();
  const config = { RUNWIRE_MAX_CONCURRENT: '1' };
  await using server = buildEngine({ config, runners: [lasting(begun.resolve)] });
  for (const id of ['a', 'b']) await server.post({ runtime_kind: 'scripted', invocation_id: id });
  (await begun.promise).outlives();
  expect(server.engine.whenStopped(true)).toEqual({ left: 1, ending: 0, waiting: 1 });
  expect(server.engine.whenStopped(false)).toEqual({ left: 0, ending: 1, waiting: 1 });
  await server.engine.drain(0, leave);
  expect(server.engine.status('b')).toBe('pending');
});
