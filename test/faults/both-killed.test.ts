import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { processesWith, supervisorOf, until } from '../helpers/processes.ts';
import { expectInvariants, processesOf } from './invariants.ts';
import { RecoveringServer } from './recovering.ts';

for (const spawn of ['posix', 'portable'])
  describe(`Server and supervisor that are killed together (${spawn} spawner)`, () => {
    let server: RecoveringServer;
    beforeEach(async () => {
      server = new RecoveringServer({ RUNWIRE_SPAWN: spawn, RUNWIRE_MAX_CONCURRENT: '3' });
      await server.start();
    });
    afterEach(() => server.end());

    const post = async (script: string, headers: Record<string, string> = {}): Promise<string> => {
      const response = await fetch(`${server.url}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ runtime_kind: 'subprocess', command: ['sh', '-c', script] }),
      });
      expect(response.status).toBe(202);
      return ((await response.json()) as RunRecord).invocation.invocation_id;
    };
    const said = (id: string): Promise<void> => server.wrote(id, 'up\n');
    const killSupervisor = async (): Promise<void> => {
      const pid = supervisorOf(server.dataDir);
      process.kill(pid, 'SIGKILL');
      await until(() => !processesWith(server.dataDir).includes(pid), 'the supervisor is gone');
    };

    test('lose what ran, and nothing of it stays; what waited runs once, as it was asked for', async () => {
      const loud = await post('echo up; sleep 60');
      const silent = await post('sleep 60');
      const also = await post('echo up; sleep 60');
      const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const queued = await post('echo "$TRACEPARENT"', { traceparent: trace });
      await said(loud);
      await said(also);
      await until(() => processesOf(silent).length > 0, 'the silent one runs');
      await server.crash();
      await killSupervisor();
      await server.start();
      for (const id of [loud, silent, also]) {
        const wrote = { stdout: id === silent ? '' : 'up\n', stderr: '' };
        const { record } = await expectInvariants({ url: server.url, id, wrote });
        expect(record).toMatchObject({
          status: 'failed',
          outcome: { ended: 'lost', started: true, retry_safe: false, kill: { survivors: 0 } },
        });
        expect(record.outcome.stdout?.bytes).toBe(wrote.stdout.length);
      }
      const waited = await expectInvariants({
        url: server.url,
        id: queued,
        wrote: { stdout: `${trace}\n`, stderr: '' },
      });
      expect(waited.record.status).toBe('succeeded');
    });

    test('know of what ended while only the supervisor lived, with output or without', async () => {
      const loud = await post('echo up; sleep 1; echo end; exit 3');
      const silent = await post('sleep 1; exit 4');
      await said(loud);
      await server.crash();
      await until(() => processesOf(loud).length + processesOf(silent).length === 0, 'both have ended');
      await sleep(500); // their ends are written in the moment after
      await killSupervisor();
      await server.start();
      const first = await expectInvariants({ url: server.url, id: loud, wrote: { stdout: 'up\nend\n' } });
      expect(first.record).toMatchObject({ status: 'failed', outcome: { ended: 'exited', exit_code: 3 } });
      const second = await expectInvariants({ url: server.url, id: silent, wrote: { stdout: '' } });
      expect(second.record).toMatchObject({ status: 'failed', outcome: { ended: 'exited', exit_code: 4 } });
    });

    test('know of what had ended under them', async () => {
      const loud = await post('echo up; exit 3');
      const silent = await post('exit 4');
      for (const id of [loud, silent]) await fetch(`${server.url}/invocations/${id}?wait=20`);
      await server.crash();
      await killSupervisor();
      await server.start();
      for (const [id, code] of [
        [loud, 3],
        [silent, 4],
      ] as const) {
        const { record } = await expectInvariants({ url: server.url, id });
        expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'exited', exit_code: code } });
      }
    });
  });
