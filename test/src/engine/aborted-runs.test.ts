import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import type { AbortReason, RunnerOutcome } from '../../../src/contract/outcome.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';

/** Work that takes a while to end when it is told to: the crash comes before. */
const stubborn = scripted(async ({ signal }) => {
  await sleep(60_000, undefined, { signal }).catch(() => sleep(500));
  return exited();
});

const killed: RunnerOutcome = {
  ended: 'signaled',
  started: true,
  retrySafe: false,
  exitCode: -15,
  signal: 'SIGTERM',
};

async function crashedAfter(invocation: Record<string, unknown>, act: 'cancel' | 'timeout'): Promise<string> {
  const server = buildEngine({ runners: [stubborn] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a', ...invocation });
  if (act === 'cancel') {
    const answer = await server.request({ method: 'POST', url: '/invocations/a/cancel' });
    expect(answer.statusCode).toBe(202);
  } else await expect.poll(() => [...server.store.unfinished()][0]?.abort).toBeTruthy();
  return server.crash();
}

test('a cancel that was answered is not forgotten: what it ended is cancelled and no failure, also after a crash', async () => {
  const dataDir = await crashedAfter({}, 'cancel');
  const seen: boolean[] = [];
  const next = scripted(stubborn.run, {
    async recover({ signal }: RunContext) {
      seen.push(signal.aborted);
      return killed;
    },
  });
  await using engine = buildEngine({ dataDir, runners: [next] });
  await engine.engine.waitFinished('a', 10_000);
  expect(engine.engine.record('a')).toMatchObject({
    status: 'cancelled',
    outcome: { ended: 'cancelled', exit_code: -15, signal: 'SIGTERM' },
  });
  expect(seen).toEqual([true]);
});

test('a run that was stopped for its time is timed out, also when the server was killed before it had ended', async () => {
  const dataDir = await crashedAfter({ timeout_seconds: 0.1 }, 'timeout');
  const next = scripted(stubborn.run, { recover: async () => killed });
  await using engine = buildEngine({ dataDir, runners: [next] });
  await engine.engine.waitFinished('a', 10_000);
  expect(engine.engine.record('a')).toMatchObject({
    status: 'timed_out',
    outcome: { ended: 'timed_out', timeout_reason: 'run' },
  });
});

test('the grace of a run that is being stopped goes on where it was', async () => {
  const dataDir = await crashedAfter({ options: { kill_grace_seconds: 5 } }, 'cancel');
  await sleep(300);
  const graces: number[] = [];
  const next = scripted(stubborn.run, {
    async recover({ signal }: RunContext) {
      graces.push((signal.reason as AbortReason).graceMs);
      return killed;
    },
  });
  await using engine = buildEngine({ dataDir, runners: [next] });
  await engine.engine.waitFinished('a', 10_000);
  expect(graces[0]).toBeGreaterThan(0);
  expect(graces[0]).toBeLessThan(4800);
});

test('a waiting run that was cancelled does not begin after a crash', async () => {
  const server = buildEngine({ runners: [stubborn], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a' });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'b' });
  // The crash comes between the cancel and its result. As releases kept it that did not note who cancelled.
  const reason = { kind: 'cancel', graceMs: 0 };
  server.store.setAbort('b', JSON.stringify({ reason, pressedAt: Date.now() }));
  const dataDir = await server.crash();
  await using engine = buildEngine({ dataDir, runners: [stubborn] });
  await engine.engine.waitFinished('b', 10_000);
  expect(engine.engine.record('b')).toMatchObject({
    status: 'cancelled',
    started_at: null,
    outcome: { started: false, retry_safe: true, cancelled_by: null },
  });
});

test.each(['client', 'shutdown'] as const)(
  'who had it cancelled is not forgotten: %s, also after a crash',
  async (by) => {
    const server = buildEngine({ runners: [stubborn] });
    await server.post({ runtime_kind: 'scripted', invocation_id: 'a' });
    server.engine.cancel('a', undefined, by);
    await server.store.committed();
    const dataDir = await server.crash();
    const next = scripted(stubborn.run, { recover: async () => killed });
    await using engine = buildEngine({ dataDir, runners: [next] });
    await engine.engine.waitFinished('a', 10_000);
    expect(engine.engine.record('a')).toMatchObject({
      result: { error_summary: by === 'shutdown' ? 'cancelled: the server was stopped' : 'cancelled' },
      outcome: { cancelled_by: { by }, failure: { permanent: false, reason: 'cancelled' } },
    });
  },
);
