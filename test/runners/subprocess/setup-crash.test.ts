import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { expectInvariants, processesOf } from '../../faults/invariants.ts';
import { CrashingServer } from '../../helpers/crashing-server.ts';
import { until } from '../../helpers/processes.ts';

/** Says what it is and waits for a file of its working directory. */
const waits = (word: string): string => `echo ${word}; until [ -e ${word} ]; do sleep 0.02; done`;

describe.each(['posix', 'portable'])('A server that was killed in a setup (%s spawner)', (spawn) => {
  let server: CrashingServer;
  beforeEach(async () => {
    server = new CrashingServer({ RUNWIRE_SPAWN: spawn });
    await server.start();
  });
  afterEach(() => server.end());

  const post = async (body: Record<string, unknown>): Promise<string> => {
    const response = await server.post('/invocations', { runtime_kind: 'subprocess', ...body });
    expect(response.status).toBe(202);
    return ((await response.json()) as RunRecord).invocation.invocation_id;
  };
  const said = (id: string, query = ''): Promise<void> =>
    until(
      async () => (await (await fetch(`${server.url}/invocations/${id}/stdout${query}`)).text()) !== '',
      'it said something',
    );
  const letGo = (id: string, word: string): void =>
    writeFileSync(join(server.dataDir, 'runs', id, 'work', word), '');
  const final = async (id: string, wrote: object = {}): Promise<RunRecord> =>
    (await expectInvariants({ url: server.url, id, wrote })).record;

  test('finds it in its setup again, and feeds, signals and sees through what comes after', async () => {
    const id = await post({
      command: ['sh', '-c', 'cat; exit 5'],
      options: {
        stdin_open: true,
        setup: { commands: [`trap "echo usr1" USR1; ${waits('first')}`, 'echo second'] },
      },
    });
    await said(id, '?phase=setup');
    await server.crash();
    await server.start();
    expect((await server.post(`/invocations/${id}/signals`, { signal: 'SIGUSR1' })).status).toBe(204);
    const fed = fetch(`${server.url}/invocations/${id}/stdin?eof=true`, { method: 'POST', body: 'early' });
    await expect
      .poll(async () => (await fetch(`${server.url}/invocations/${id}/stdout?phase=setup`)).text())
      .toBe('first\nusr1\n');
    letGo(id, 'first');
    expect((await fed).status).toBe(204);
    expect(await final(id, { stdout: 'early', setup_stdout: 'first\nusr1\nsecond\n' })).toMatchObject({
      status: 'failed',
      outcome: { ended: 'exited', exit_code: 5, setup: [{ exit_code: 0 }, { exit_code: 0 }] },
    });
  });

  test('has the true result of what went on without it, through both phases', async () => {
    const id = await post({
      command: ['sh', '-c', 'cat made; touch ended; exit 5'],
      options: { setup: { commands: [waits('first'), 'echo made >made'] } },
    });
    await said(id, '?phase=setup');
    await server.crash();
    letGo(id, 'first');
    await until(() => existsSync(join(server.dataDir, 'runs', id, 'work', 'ended')), 'it has ended');
    await until(() => processesOf(id).length === 0, 'its last process is gone');
    await server.start();
    expect(await final(id, { stdout: 'made\n', setup_stdout: 'first\n' })).toMatchObject({
      outcome: { ended: 'exited', exit_code: 5, setup: [{ exit_code: 0 }, { exit_code: 0 }] },
    });
  });

  test('is told that the time of the setup was over without it', async () => {
    const id = await post({
      command: ['true'],
      options: { setup: { commands: ['true', 'echo up; sleep 60'], timeout_seconds: 1 } },
    });
    await said(id, '?phase=setup');
    await server.crash();
    await until(() => processesOf(id).length === 0, 'it was ended');
    await server.start();
    expect(await final(id, { setup_stdout: 'up\n' })).toMatchObject({
      status: 'timed_out',
      result: { error_summary: 'setup took longer than 1 s' },
      outcome: {
        timeout_reason: 'setup',
        kill: { survivors: 0 },
        setup: [{ exit_code: 0 }, { signal: 'SIGTERM' }],
      },
    });
  });

  test('is told that the time of the command was over, which began without it', async () => {
    const id = await post({
      command: ['sh', '-c', 'echo began >began; sleep 60'],
      timeout_seconds: 1,
      options: { setup: { commands: [waits('first')] } },
    });
    await said(id, '?phase=setup');
    await server.crash();
    await sleep(1100); // longer than the command may take
    letGo(id, 'first');
    await until(() => existsSync(join(server.dataDir, 'runs', id, 'work', 'began')), 'the command begins');
    await until(() => processesOf(id).length === 0, 'it was ended');
    await server.start();
    expect(await final(id)).toMatchObject({
      status: 'timed_out',
      outcome: { timeout_reason: 'run', setup: [{ exit_code: 0 }] },
    });
  });

  test('gives the command the time from when that began, and not from the start', async () => {
    const id = await post({
      command: ['sh', '-c', 'echo up; sleep 60'],
      timeout_seconds: 6,
      options: { setup: { commands: ['sleep 1'], timeout_seconds: 1.8 } },
    });
    await said(id);
    await server.crash();
    await server.start();
    // The time of the setup would be over soon, were it still that which counts.
    const record = await final(id, { stdout: 'up\n' });
    expect(record).toMatchObject({ status: 'timed_out', outcome: { timeout_reason: 'run' } });
    expect(Number(record.outcome?.timings.run_ms)).toBeGreaterThanOrEqual(5900);
  });
});
