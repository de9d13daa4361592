import { expect, test } from 'vitest';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, heldRunner, scripted } from '../../helpers/fake-runner.ts';

/** A server on which these runs wait behind one that works; killed. */
async function crashed(...waiting: Record<string, unknown>[]): Promise<string> {
  const server = buildEngine({ runners: [heldRunner().runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  for (const more of [{ invocation_id: 'first' }, ...waiting])
    await server.post({ runtime_kind: 'held', ...more });
  return server.crash();
}

const recovery = ({ engine }: TestEngine) => engine.readiness().recovery;

test('a run that waited too long for a place does not begin, though there is one at the next server', async () => {
  const dataDir = await crashed({ invocation_id: 'hasty', options: { queue_timeout_seconds: 0.3 } });
  await new Promise((resolve) => setTimeout(resolve, 400));
  const { runner, started } = heldRunner();
  await using next = buildEngine({ dataDir, runners: [runner] });
  expect(await next.engine.waitFinished('hasty', 10_000)).toBe(true);
  expect(next.engine.record('hasty')).toMatchObject({
    status: 'timed_out',
    started_at: null,
    outcome: { timeout_reason: 'queue', started: false, retry_safe: true },
  });
  expect(started).toEqual([]);
});

test('what becomes of the runs of an earlier server is counted once for each, when it is known', async () => {
  const dataDir = await crashed({ invocation_id: 'waits' }, { invocation_id: 'waits-too' });
  const look = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const runner = scripted(async () => exited(), {
    kind: 'held',
    async recover({ goesOn }) {
      await look.promise;
      goesOn();
      goesOn();
      await ended.promise;
      return { ...exited(), ended: 'lost', success: false };
    },
  });
  await using next = buildEngine({ dataDir, runners: [runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  expect(recovery(next)).toEqual({ queued: 2, resumed: 0, lost: 0, stillRecovering: 1 });
  expect(next.engine.readiness().ready).toBe(true);
  look.resolve();
  await expect.poll(() => recovery(next)).toEqual({ queued: 2, resumed: 1, lost: 0, stillRecovering: 0 });
  ended.resolve();
  await next.engine.waitFinished('first', 10_000);
  expect(recovery(next)).toEqual({ queued: 2, resumed: 1, lost: 0, stillRecovering: 0 });
  expect((await next.get('/metrics')).body).toContain('runwire_recovered_runs_total{how="resumed"} 1');
});

test('a run of a kind that cannot be resumed is lost, and one whose runner says so is too', async () => {
  const dataDir = await crashed();
  await using next = buildEngine({ dataDir, runners: [heldRunner().runner] });
  await next.engine.waitFinished('first', 10_000);
  expect(recovery(next)).toEqual({ queued: 0, resumed: 0, lost: 1, stillRecovering: 0 });
});

test('of very many only some are looked for at a time, in order, and the one that somebody asks for is next', async () => {
  const ids = Array.from({ length: 200 }, (_, n) => `run-${n}`);
  const detached = { kind: 'detached', detached: () => true };
  const first = buildEngine({ runners: [scripted(() => new Promise(() => {}), detached)] });
  for (const id of ids) await first.post({ runtime_kind: 'detached', invocation_id: id });
  const dataDir = await first.crash();
  const looked: string[] = [];
  const gates: (() => void)[] = [];
  const runner = scripted(async () => exited(), {
    ...detached,
    async recover({ invocation, goesOn }) {
      looked.push(invocation.invocation_id);
      await new Promise<void>((resolve) => gates.push(resolve));
      goesOn();
      return exited();
    },
  });
  await using next = buildEngine({ dataDir, runners: [runner] });
  await expect.poll(() => looked.length).toBe(64);
  expect(looked).toEqual(ids.slice(0, 64));
  const told = next.engine.resumed('run-199');
  await expect.poll(() => looked.at(-1)).toBe('run-199');
  expect(recovery(next)).toMatchObject({ resumed: 0, stillRecovering: 200 });
  gates.at(-1)?.();
  await told;
  expect(recovery(next)).toMatchObject({ resumed: 1, stillRecovering: 199 });
  expect((await next.get('/readyz')).json()).toMatchObject({
    ready: true,
    recovery: { still_recovering: 199 },
  });
  expect((await next.run({ runtime_kind: 'fake' })).status).toBe('succeeded');
  const open = setInterval(() => {
    for (const gate of gates.splice(0)) gate();
  }, 5);
  await expect
    .poll(() => recovery(next), { timeout: 20_000 })
    .toMatchObject({ resumed: 200, stillRecovering: 0 });
  clearInterval(open);
  expect(looked.filter((id) => id !== 'run-199')).toEqual(ids.slice(0, 199));
});

test('a first server has nothing to recover', async () => {
  await using server = buildEngine();
  expect(recovery(server)).toEqual({ queued: 0, resumed: 0, lost: 0, stillRecovering: 0 });
});
