import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { own } from '../helpers/own-id.ts';
import { ProcessLimit } from '../helpers/process-limit.ts';
import { supervisorOf, until } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { expectInvariants, processesOf } from './invariants.ts';

const NEVER_BEGAN = { ended: 'never_started', started: false, retry_safe: true, exit_code: null };

let count = 0;
const newId = (): string => own(`shortage-${count++}`);

const sh = (invocation_id: string, script: string, limits: object = {}) => ({
  runtime_kind: 'subprocess',
  invocation_id,
  command: ['sh', '-c', script],
  options: { limits },
});

const runOn =
  (server: CrashingServer) =>
  async (body: object): Promise<RunRecord> =>
    (await server.post('/invocations?wait=30', body)).json() as Promise<RunRecord>;

requires(
  'linux',
  'root',
  'process-limit',
)('Processes that run out', () => {
  for (const spawn of ['posix', 'portable'])
    describe(`for the supervisor (${spawn} spawner)`, () => {
      const server = new CrashingServer({ RUNWIRE_SPAWN: spawn });
      const run = runOn(server);
      let limit: ProcessLimit;
      let supervisor: number;

      beforeAll(async () => {
        await server.start();
        supervisor = supervisorOf(server.dataDir);
        limit = new ProcessLimit();
        limit.take(supervisor);
      });
      afterAll(async () => {
        limit.allow(null);
        await server.end();
        await sleep(100); // the kernel takes the last of them out a little later
        limit[Symbol.dispose]();
      });

      test('a program that cannot be started says why, is safe to try again, and starts when there is room', async () => {
        const [refused, after] = [newId(), newId()];
        limit.allow(0);
        const { status, result, outcome } = await run(sh(refused, 'echo never'));
        expect([status, outcome]).toMatchObject(['failed', NEVER_BEGAN]);
        expect(result?.error_summary).toContain('the system has no room for another process (EAGAIN)');
        limit.allow(null);
        await expectInvariants({ url: server.url, id: refused, wrote: { stdout: '' } });
        expect(await run(sh(after, 'echo again'))).toMatchObject({ status: 'succeeded' });
        expect(supervisorOf(server.dataDir)).toBe(supervisor);
      });

      test('a program that cannot start others has begun: its run is what it makes of that', async () => {
        const id = newId();
        limit.allow(1);
        const { status, outcome } = await run(sh(id, 'echo up; sleep 1000; echo never'));
        limit.allow(null);
        expect([status, outcome]).toMatchObject([
          'failed',
          { ended: 'exited', started: true, retry_safe: false },
        ]);
        expect(processesOf(id)).toEqual([]);
        await expectInvariants({ url: server.url, id, wrote: { stdout: 'up\n' } });
      });
    });
});

requires('linux', 'prlimit')('Memory that runs out', () => {
  const server = new CrashingServer();
  const run = runOn(server);
  beforeAll(() => server.start());
  afterAll(() => server.end());

  test('a program that gets no memory to begin with has failed, and nothing is left of it', async () => {
    for (const memory_bytes of [4096, 1024 * 1024]) {
      const id = newId();
      const { status, outcome } = await run(sh(id, 'echo never', { memory_bytes }));
      expect([status, outcome]).toMatchObject(['failed', { started: true, retry_safe: false }]);
      await expectInvariants({ url: server.url, id, wrote: { stdout: '' } });
    }
  });

  test('a program that needs more than it may have fails as it fails, with what it wrote', async () => {
    const id = newId();
    const script = 'echo before; x=$(head -c 300000000 /dev/zero | tr "\\0" x); echo after "$x"';
    const { status } = await run(sh(id, script, { memory_bytes: 64 * 1024 * 1024 }));
    expect(status).toBe('failed');
    const { record } = await expectInvariants({ url: server.url, id });
    expect(record.outcome.stdout?.bytes).toBe('before\n'.length);
  });

  test('a supervisor that gets no more memory starts no program, says so, lives, and starts the next when it does', async () => {
    const supervisor = supervisorOf(server.dataDir);
    const space = (bytes: number | 'unlimited'): void => {
      execFileSync('prlimit', ['--pid', String(supervisor), `--as=${bytes}:`]);
    };
    const used = (): number =>
      Number(/^VmSize:\s+(\d+)/m.exec(readFileSync(`/proc/${supervisor}/status`, 'utf8'))?.[1]) * 1024;
    let refused = '';
    let record: RunRecord;
    do {
      // Where it had just given some back, that is enough for one more.
      refused = newId();
      space(used());
      record = await run(sh(refused, 'echo never'));
      space('unlimited');
    } while (record.status === 'succeeded');
    expect([record.status, record.outcome]).toMatchObject(['failed', NEVER_BEGAN]);
    expect(record.result?.error_summary).toContain('the system has no memory for another process (ENOMEM)');
    expect(await run(sh(newId(), 'echo again'))).toMatchObject({ status: 'succeeded' });
    expect(supervisorOf(server.dataDir)).toBe(supervisor);
    await until(() => processesOf(refused).length === 0, 'nothing was started');
  });
});
