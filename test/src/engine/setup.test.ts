import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import type { RunnerOutcome } from '../../../src/contract/outcome.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';

const STEP = { command: ['sh', '-c', 'exit 4'], exit_code: 4, signal: null, ms: 1 };

function withSetup(run: (ctx: RunContext) => Promise<RunnerOutcome>, more: Partial<Runner> = {}) {
  return buildEngine({ runners: [scripted(run, { setsUp: true, ...more })] });
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const scriptedRun = (options: object, more: object = {}) => ({ runtime_kind: 'scripted', options, ...more });

test('A kind that sets nothing up refuses a setup by name, and takes what asks for none', async () => {
  await using test = buildEngine();
  const asked = { setup: { commands: ['true'] }, setup_command: 'true' };
  for (const field of ['setup', 'setup_command'] as const) {
    const answer = await test.post({ runtime_kind: 'fake', options: { [field]: asked[field] } });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({
      code: 'invalid_invocation',
      errors: [{ path: `options.${field}`, message: 'fake runs nothing before the work: it takes no setup' }],
    });
  }
  const both = await test.post({ runtime_kind: 'fake', options: asked });
  expect(both.json().errors).toHaveLength(2);
  for (const options of [{ is_evaluation: true }, { disable_setup: true }, { ...asked, disable_setup: true }])
    expect((await test.run({ runtime_kind: 'fake', options })).status).toBe('succeeded');
});

test('A kind that does is given the plan; without one, and where it is disabled, nothing', async () => {
  const seen: unknown[] = [];
  await using test = withSetup(async ({ setup, session }) => {
    seen.push(setup, session);
    return exited();
  });
  await test.run(scriptedRun({ setup: { commands: [['a'], 'b'], timeout_seconds: 7 } }));
  await test.run(scriptedRun({}));
  const off = await test.run(scriptedRun({ setup: { commands: ['a'] }, disable_setup: true }));
  expect(seen).toEqual([
    { commands: [['a'], ['sh', '-c', 'b']], timeoutMs: 7000, user: null },
    null,
    ...[null, null],
    ...[null, null],
  ]);
  expect(off.outcome).not.toHaveProperty('setup');
});

test('A setup that failed is how the run ended', async () => {
  await using test = withSetup(async () => ({
    ended: 'setup_failed',
    started: true,
    retrySafe: false,
    exitCode: null,
    errorSummary: 'setup: command 1 of 1 (sh -c "exit 4") exited with code 4',
    setup: [STEP],
    timings: { setup_ms: 2 },
  }));
  const { status, result, outcome } = await test.run(scriptedRun({ setup_command: 'exit 4' }));
  expect(status).toBe('failed');
  expect(result).toMatchObject({
    status: 'failed',
    exit_code: null,
    error_summary: 'setup: command 1 of 1 (sh -c "exit 4") exited with code 4',
  });
  expect(outcome).toMatchObject({
    ended: 'setup_failed',
    started: true,
    retry_safe: false,
    exit_code: null,
    timeout_reason: null,
    failure: { permanent: false, reason: 'setup_failed' },
    setup: [STEP],
    timings: { setup_ms: 2 },
  });
});

test('The setup has a time of its own, and that of the command begins with the command', async () => {
  await using test = withSetup(async ({ invocation, signal, commandBegins }) => {
    if (invocation.metadata.begins === 'yes') commandBegins();
    await aborted(signal);
    return { ...exited(), exitCode: null, setup: [STEP] };
  });
  const options = { setup: { commands: ['sleep 1'], timeout_seconds: 0.2 } };
  // Its own time is over long before that of the command, which counts from later on.
  const setup = await test.run(scriptedRun(options, { timeout_seconds: 0.01 }));
  expect(setup).toMatchObject({
    status: 'timed_out',
    result: { error_summary: 'setup took longer than 0.2 s', exit_code: null },
    outcome: { ended: 'timed_out', timeout_reason: 'setup', retry_safe: false, setup: [STEP] },
  });
  const run = await test.run(scriptedRun(options, { timeout_seconds: 0.3, metadata: { begins: 'yes' } }));
  expect(run).toMatchObject({
    status: 'timed_out',
    result: { error_summary: 'ran longer than 0.3 s' },
    outcome: { timeout_reason: 'run', setup: [STEP] },
  });
});

test('A run without a setup has its time from the start, whenever its command is said to begin', async () => {
  await using test = withSetup(async ({ signal }) => {
    await aborted(signal);
    return exited();
  });
  expect(await test.run(scriptedRun({}, { timeout_seconds: 0.2 }))).toMatchObject({
    status: 'timed_out',
    outcome: { timeout_reason: 'run' },
  });
});

test('What watched the work says which time was over', async () => {
  await using test = withSetup(async ({ timedOut }) => {
    timedOut('setup');
    return { ...exited(), setup: [STEP] };
  });
  expect(await test.run(scriptedRun({ setup_command: 'a' }))).toMatchObject({
    status: 'timed_out',
    result: { error_summary: 'setup took longer than 600 s' },
    outcome: { timeout_reason: 'setup' },
  });
});

test('A run that is cancelled in its setup tells of the commands so far', async () => {
  const began = Promise.withResolvers<string>();
  await using test = withSetup(async ({ invocation, signal }) => {
    began.resolve(invocation.invocation_id);
    await aborted(signal);
    return { ...exited(), exitCode: null, setup: [STEP] };
  });
  const running = test.run(scriptedRun({ setup_command: 'a' }));
  test.engine.cancel(await began.promise);
  expect(await running).toMatchObject({
    status: 'cancelled',
    outcome: { ended: 'cancelled', setup: [STEP], exit_code: null, retry_safe: false },
  });
});

/** A run that an earlier server left `startedMsAgo` ago, resumed. */
async function resumed(
  recover: (ctx: RunContext) => Promise<RunnerOutcome>,
  {
    options,
    timeout_seconds,
    startedMsAgo,
  }: { options: object; timeout_seconds: number | null; startedMsAgo: number },
) {
  const id = `setup-${randomUUID()}`;
  const began = Promise.withResolvers<void>();
  const before = withSetup(async ({ signal }) => {
    began.resolve();
    await aborted(signal);
    return exited();
  });
  const { engine } = before;
  const answer = await before.post(scriptedRun(options, { timeout_seconds, invocation_id: id }));
  expect(answer.statusCode).toBe(202);
  await began.promise;
  expect(engine.status(id)).toBe('running');
  const dataDir = await before.crash();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + startedMsAgo });
  const after = buildEngine({
    dataDir,
    runners: [scripted(async () => exited(), { setsUp: true, recover })],
  });
  onTestFinished(() => void vi.useRealTimers());
  await after.engine.waitFinished(id, 20_000);
  return { record: after.engine.record(id), [Symbol.asyncDispose]: () => after[Symbol.asyncDispose]() };
}

const HOUR = 3_600_000;
const goOn =
  (begins: number | null) =>
  async (ctx: RunContext): Promise<RunnerOutcome> => {
    if (begins !== null) ctx.commandBegins(begins);
    ctx.goesOn();
    await aborted(ctx.signal);
    return exited();
  };

test('Of a run that is resumed the command has its time from when it began, under whatever server', async () => {
  // An hour ago it started, and its command began a moment ago: neither the setup's time nor the command's is over.
  await using late = await resumed(goOn(0), {
    options: { setup: { commands: ['a'], timeout_seconds: 60 } },
    timeout_seconds: 0.3,
    startedMsAgo: HOUR,
  });
  expect(late.record.outcome).toMatchObject({ timeout_reason: 'run' });
  expect(late.record.result?.error_summary).toBe('ran longer than 0.3 s');
});

test('Of a run that is resumed in its setup the time of that is over', async () => {
  await using inSetup = await resumed(goOn(null), {
    options: { setup: { commands: ['a'], timeout_seconds: 60 } },
    timeout_seconds: null,
    startedMsAgo: HOUR,
  });
  expect(inSetup.record.outcome).toMatchObject({ timeout_reason: 'setup' });
});

test('Who prepares a session needs no command, and has a plan also without commands', async () => {
  const id = `setup-${randomUUID()}`;
  const role = { id: 's', generation: 1, isSetup: true, isResumed: false };
  const seen: unknown[] = [];
  const runner = scripted(
    async ({ setup, session }) => {
      seen.push(setup, session);
      return {
        ended: 'completed',
        started: true,
        retrySafe: false,
        exitCode: null,
        success: true,
        setup: [],
      };
    },
    { setsUp: true, needsCommand: true },
  );
  await using test = buildEngine({
    runners: [runner],
    sessions: { roleOf: (run) => (run === id ? role : null) },
  });
  const { status, outcome, result } = await test.run(scriptedRun({ session: 's' }, { invocation_id: id }));
  expect(status).toBe('succeeded');
  expect(result?.exit_code).toBeNull();
  expect(outcome).toMatchObject({ ended: 'completed', setup: [] });
  expect(seen).toEqual([{ commands: [], timeoutMs: 600_000, user: null }, role]);
  // Others in it do.
  expect((await test.post(scriptedRun({ session: 's' }))).statusCode).toBe(422);
});
