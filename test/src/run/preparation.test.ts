import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';

/** A runner that writes, then waits to be stopped. */
async function begin({ output, signal }: RunContext) {
  output.write('stdout', Buffer.from('before the crash\n'));
  output.write('stderr', Buffer.from([0xff, 0xe2, 0x82]));
  output.progress({ message: 'half' });
  await sleep(60_000, undefined, { signal }).catch(() => {});
  return exited();
}

async function crashed(invocation: Record<string, unknown> = {}) {
  const server = buildEngine({ runners: [scripted(begin)] });
  await server.post({ runtime_kind: 'scripted', invocation_id: 'a', ...invocation });
  await expect
    .poll(() => server.get('/invocations/a/stderr').then(({ body }) => body.length))
    .toBeGreaterThan(0);
  const before = await server.app.inject({
    url: '/invocations/a/events?follow=false',
    headers: { accept: 'application/x-ndjson' },
  });
  const dataDir = await server.crash();
  return { dataDir, told: before.body.trim().split('\n') };
}

test('a run of a kind that cannot be resumed is lost, and keeps every event and byte it had', async () => {
  const { dataDir, told } = await crashed();
  await using next = buildEngine({ dataDir, runners: [scripted(begin)] });
  await next.engine.waitFinished('a', 10_000);
  const events = await next.events('a');
  expect(events.slice(0, told.length).map((event) => JSON.stringify(event))).toEqual(told);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(next.engine.record('a')).toMatchObject({
    status: 'failed',
    outcome: { ended: 'lost', retry_safe: false, stdout: { bytes: 17 }, stderr: { bytes: 3 } },
  });
  expect((await next.get('/invocations/a/stdout')).body).toBe('before the crash\n');
});

test('a run that is resumed is collected without the input it was given, and reads nothing that has its name', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'runwire-gone-'));
  try {
    const input = join(dir, 'input');
    writeFileSync(input, 'meant');
    const { dataDir } = await crashed({
      working_directory: dir,
      input_payload_path: 'input',
      options: { artifacts: ['made'] },
    });
    rmSync(input);
    symlinkSync(join(dataDir, 'runwire.db'), input);
    writeFileSync(join(dir, 'made'), '');
    const seen: unknown[] = [];
    const recover = async ({ inputPath, inputFile }: RunContext) => {
      seen.push(inputFile, inputPath !== null && existsSync(inputPath));
      return exited();
    };
    await using next = buildEngine({ dataDir, runners: [scripted(begin, { recover })] });
    await next.engine.waitFinished('a', 10_000);
    expect(seen).toEqual([null, false]);
    expect(next.engine.artifacts('a').map(({ artifact_id }) => artifact_id)).toEqual([
      'stdout',
      'stderr',
      'made',
    ]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a kind that resumes goes on writing where it was', async () => {
  const { dataDir, told } = await crashed();
  const runner = scripted(begin, {
    async recover({ output, resumeOutput }) {
      await resumeOutput();
      output.write('stdout', Buffer.from('after the crash\n'));
      return exited();
    },
  });
  await using next = buildEngine({ dataDir, runners: [runner] });
  await next.engine.waitFinished('a', 10_000);
  const events = await next.events('a');
  expect(next.engine.status('a')).toBe('succeeded');
  expect(events.slice(0, told.length).map((event) => JSON.stringify(event))).toEqual(told);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect((await next.get('/invocations/a/stdout')).body).toBe('before the crash\nafter the crash\n');
});

test('a run that is resumed is stopped by its runner, also when it is cancelled at once or its directory is gone', async () => {
  const { dataDir } = await crashed();
  rmSync(`${dataDir}/runs/a/work`, { recursive: true });
  let stopped = false;
  const runner = scripted(begin, {
    async recover({ signal }) {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped = true;
      return exited();
    },
  });
  await using next = buildEngine({ dataDir, runners: [runner] });
  next.engine.cancel('a');
  await next.engine.waitFinished('a', 10_000);
  expect(next.engine.record('a')).toMatchObject({ status: 'cancelled', outcome: { started: true } });
  expect(stopped).toBe(true);
});

test('the timeout of a run that is resumed counts from its start', async () => {
  const { dataDir } = await crashed({ timeout_seconds: 0.5 });
  await sleep(600);
  const runner = scripted(begin, {
    async recover({ signal, goesOn }) {
      goesOn();
      await sleep(60_000, undefined, { signal }).catch(() => {});
      return exited();
    },
  });
  await using next = buildEngine({ dataDir, runners: [runner] });
  expect(await next.engine.waitFinished('a', 10_000)).toBe(true);
  expect(next.engine.status('a')).toBe('timed_out');
});

test('work that had ended before its runner looked is told as it ended, however late that is', async () => {
  const { dataDir } = await crashed({ timeout_seconds: 0.5, options: { idle_timeout_seconds: 0.2 } });
  await sleep(600);
  const runner = scripted(begin, {
    async recover() {
      await sleep(300); // it takes a while to be told
      return exited(3);
    },
  });
  await using next = buildEngine({ dataDir, runners: [runner] });
  expect(await next.engine.waitFinished('a', 10_000)).toBe(true);
  expect(next.engine.record('a')).toMatchObject({
    status: 'failed',
    outcome: { ended: 'exited', exit_code: 3 },
  });
});

test('a runner that does not say whether the work goes on is waited for, but not for ever', async () => {
  const { dataDir } = await crashed({ timeout_seconds: 0.5 });
  await sleep(600);
  const runner = scripted(begin, {
    async recover({ signal }) {
      await sleep(60_000, undefined, { signal }).catch(() => {});
      return exited();
    },
  });
  await using next = buildEngine({ dataDir, runners: [runner] });
  expect(await next.engine.waitFinished('a', 50_000)).toBe(true);
  expect(next.engine.status('a')).toBe('timed_out');
});
