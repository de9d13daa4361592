import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AbortReason } from '../../../src/contract/outcome.ts';
import { RuntimeResult } from '../../../src/documents/result.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, fake, heldRunner, scripted } from '../../helpers/fake-runner.ts';

test('a run that takes longer than its timeout is timed out, whatever it returns or throws', async () => {
  await using server = buildEngine();
  const specs = [{}, { exit_code: 3 }, { throw_message: 'stopped' }, { ignore_abort: true, sleep_ms: 200 }];
  for (const spec of specs) {
    const { status, result, outcome } = await server.run(
      fake({ sleep_ms: 60_000, ...spec }, { timeout_seconds: 0.05 }),
    );
    expect(status).toBe('timed_out');
    expect(result?.error_summary).toBe('ran longer than 0.05 s');
    expect(outcome).toMatchObject({ ended: 'timed_out', timeout_reason: 'run' });
  }
});

test('a run is idle when it writes nothing, and each output begins the time anew', async () => {
  const runner = scripted(async ({ output, signal }) => {
    for (let n = 0; n < 10; n++) {
      output.write('stdout', Buffer.from('.'));
      await sleep(60);
    }
    await sleep(60_000, undefined, { signal }).catch(() => {});
    return exited();
  });
  await using server = buildEngine({ runners: [runner] });
  const { status, outcome } = await server.run({
    runtime_kind: 'scripted',
    options: { idle_timeout_seconds: 0.4 },
  });
  expect(status).toBe('timed_out');
  expect(outcome).toMatchObject({ timeout_reason: 'idle', stdout: { bytes: 10 } });
});

test('timeouts longer than a timer can count do not fire at once', async () => {
  await using server = buildEngine();
  const month = 60 * 60 * 24 * 31;
  const record = await server.run(
    fake(
      { sleep_ms: 100 },
      {
        timeout_seconds: month,
        options: { idle_timeout_seconds: month, queue_timeout_seconds: month, kill_grace_seconds: 1e9 },
      },
    ),
  );
  expect(record.status).toBe('succeeded');
});

test('the first reason wins: a cancel after the timeout changes nothing, and the other way round', async () => {
  const reasons: AbortReason[] = [];
  const runner = scripted(async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    reasons.push(signal.reason);
    await sleep(200);
    reasons.push(signal.reason);
    return exited();
  });
  await using server = buildEngine({ runners: [runner] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 't', timeout_seconds: 0.02 });
  await expect.poll(() => reasons.length).toBe(1);
  expect(server.engine.cancel('t')).toBe(true);
  await server.engine.waitFinished('t', 10_000);
  expect(server.engine.status('t')).toBe('timed_out');
  expect(reasons[1]).toBe(reasons[0]);
  await server.post({ runtime_kind: 'scripted', invocation_id: 'c', timeout_seconds: 0.1 });
  server.engine.cancel('c');
  await server.engine.waitFinished('c', 10_000);
  expect(server.engine.status('c')).toBe('cancelled');
  expect(reasons.map(({ kind }) => kind)).toEqual(['timeout', 'timeout', 'cancel', 'cancel']);
});

test('the default timeout holds where none is given, and the longest bounds what is given', async () => {
  const config = { RUNWIRE_DEFAULT_TIMEOUT_SECONDS: '7', RUNWIRE_MAX_TIMEOUT_SECONDS: '9' };
  await using server = buildEngine({ config });
  const timeout = async (asked?: number | null) =>
    (await server.run(fake({}, asked === undefined ? {} : { timeout_seconds: asked }))).invocation
      .timeout_seconds;
  expect(await timeout()).toBe(7);
  expect(await timeout(null)).toBe(7);
  expect(await timeout(8)).toBe(8);
  expect(await timeout(10)).toBe(9);
});

test('the result is written to output_result_path for every final status', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const dir = mkdtempSync(join(tmpdir(), 'runwire-results-'));
  const path = (name: string) => join(dir, 'deep', name);
  const to = (name: string) => ({ invocation_id: name, output_result_path: path(name) });
  await server.run(fake({}, to('succeeded')));
  await server.run(fake({ exit_code: 1 }, to('failed')));
  await server.run(fake({ sleep_ms: 60_000 }, { ...to('timed_out'), timeout_seconds: 0.02 }));
  await server.run({ runtime_kind: 'unknown', ...to('rejected') });
  await server.run(fake({}, { ...to('rejected-2'), working_directory: '/nowhere' }));
  await server.post({ runtime_kind: 'held', invocation_id: 'working' });
  await server.post(fake({}, to('cancelled')));
  server.engine.cancel('cancelled');
  await server.engine.waitFinished('cancelled', 10_000);
  await server.run(fake({}, { ...to('timed_out-2'), options: { queue_timeout_seconds: 0.02 } }));
  for (const name of [
    'succeeded',
    'failed',
    'timed_out',
    'rejected',
    'rejected-2',
    'cancelled',
    'timed_out-2',
  ]) {
    const text = readFileSync(path(name), 'utf8');
    const result = RuntimeResult.parse(JSON.parse(text));
    expect(result.status).toBe(name.split('-')[0]);
    expect(result).toEqual(server.engine.record(name).result);
    expect(text).toBe(`${JSON.stringify(result, null, 2)}\n`);
  }
  rmSync(dir, { recursive: true });
});

test('a result file that cannot be written is said and does not change the status', async () => {
  await using server = buildEngine();
  const dir = mkdtempSync(join(tmpdir(), 'runwire-results-'));
  writeFileSync(join(dir, 'file'), '');
  const { status, result } = await server.run(fake({}, { output_result_path: join(dir, 'file', 'r.json') }));
  expect(status).toBe('succeeded');
  expect(result?.error_summary).toContain('output_result_path cannot be written');
  rmSync(dir, { recursive: true });
});

test('a run gets its part of the environment: never the token, what is passed through, and the trace', async () => {
  let seen: Readonly<Record<string, string>> = {};
  const runner = scripted(async ({ environment }) => {
    seen = environment;
    return exited();
  });
  await using server = buildEngine({
    runners: [runner],
    config: { RUNWIRE_ENV_PASSTHROUGH: 'WANTED' },
    environment: {
      PATH: '/bin',
      LC_ALL: 'C',
      WANTED: 'yes',
      OTHER: 'no',
      RUNWIRE_TOKEN: 'secret-secret-secret',
    },
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const invocation = {
    runtime_kind: 'scripted',
    invocation_id: 'e',
    environment: { OWN: '1', PATH: '/own', RUNWIRE_INVOCATION_ID: 'lie' },
    artifact_directory: 'out',
  };
  await server.post(invocation, { traceparent }, '?wait=9');
  expect(seen).toEqual({
    PATH: '/own',
    LC_ALL: 'C',
    WANTED: 'yes',
    OWN: '1',
    RUNWIRE_INVOCATION_ID: 'e',
    RUNWIRE_ARTIFACT_DIR: join(server.dataDir, 'runs', 'e', 'work', 'out'),
    TRACEPARENT: traceparent,
  });
  expect(existsSync(seen.RUNWIRE_ARTIFACT_DIR ?? '')).toBe(true);
  await server.post({ runtime_kind: 'scripted' }, { traceparent: 'nonsense' }, '?wait=9');
  expect(seen.TRACEPARENT).toBeUndefined();
});

test('too little free disk refuses new runs with 507, and known ids are still answered', async () => {
  await using server = buildEngine({ config: { RUNWIRE_MIN_FREE_DISK_BYTES: '8000000000000000' } });
  const refused = await server.post(fake());
  expect(refused.json()).toMatchObject({ status: 507, code: 'insufficient_storage' });
  expect(refused.headers['retry-after']).toBeDefined();
  expect((await server.get('/readyz')).statusCode).toBe(503);
});

test('a cancel that comes when the work is over does not take its success away', async () => {
  const runner = scripted(async ({ invocation, workingDirectory }) => {
    for (let n = 0; n < 20; n++) writeFileSync(join(workingDirectory, `${n}`), 'x');
    setImmediate(() => server.engine.cancel(invocation.invocation_id)); // while artifacts are collected
    return exited();
  });
  await using server = buildEngine({ runners: [runner] });
  const { status, outcome } = await server.run({
    runtime_kind: 'scripted',
    options: { artifacts: ['**/*'] },
  });
  expect(status).toBe('succeeded');
  expect(outcome?.ended).toBe('exited');
});
