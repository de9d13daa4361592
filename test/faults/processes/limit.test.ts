import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { processesWith, until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { startServer } from '../../helpers/server-process.ts';
import { asUser, processesOfUser, strangeUser } from './of-user.ts';

const SOURCE = fileURLToPath(new URL('../../../src/server.ts', import.meta.url));
/** More than server and supervisor have threads. */
const PROCESSES = 120;

requires(
  'linux',
  'root',
  'prlimit',
)('A server of a user without privileges', () => {
  for (const spawn of ['posix', 'portable'])
    test(`bounds a fork bomb by options.limits.processes, ends it, and goes on (${spawn} spawner)`, async (context) => {
      const user = strangeUser();
      const [program = '', ...words] = asUser(user, process.execPath, '--check', SOURCE);
      if (spawnSync(program, words, { stdio: 'ignore' }).status !== 0)
        context.skip('the sources may be read by this user only');
      const dataDir = mkdtempSync(join(tmpdir(), 'runwire-user-'));
      chownSync(dataDir, user, user);
      const server = await startServer(
        dataDir,
        { RUNWIRE_SPAWN: spawn, RUNWIRE_LOG_LEVEL: 'error', RUNWIRE_DRAIN_SECONDS: '0' },
        asUser(user),
      );
      const post = async (path: string, body: object): Promise<RunRecord> => {
        const response = await fetch(`${server.address}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        return (await response.json()) as RunRecord;
      };
      const own = processesWith(dataDir).concat(server.child.pid ?? 0);
      const others = () => processesOfUser(user).filter((pid) => !own.includes(pid));
      try {
        const { invocation } = await post('/invocations', {
          runtime_kind: 'subprocess',
          command: [
            'perl',
            '-e',
            'use POSIX; my $end = time + 60; while (time < $end) { my $pid = fork; POSIX::setsid() }',
          ],
          timeout_seconds: 60,
          options: { kill_grace_seconds: 0, limits: { processes: PROCESSES } },
        });
        await until(() => others().length > PROCESSES / 3, 'it has gone off');
        expect(others().length).toBeLessThanOrEqual(PROCESSES);
        await post(`/invocations/${invocation.invocation_id}/cancel`, {});
        const response = await fetch(`${server.address}/invocations/${invocation.invocation_id}?wait=50`);
        expect(await response.json()).toMatchObject({
          status: 'cancelled',
          outcome: { kill: { signals: ['SIGKILL'], survivors: 0 } },
        });
        expect(others()).toEqual([]);
        const next = await post('/invocations?wait=50', { runtime_kind: 'subprocess', command: ['true'] });
        expect(next).toMatchObject({ status: 'succeeded' });
        expect(others()).toEqual([]);
      } finally {
        await server.stop('SIGTERM');
        await until(() => processesOfUser(user).length === 0, 'server and supervisor have ended');
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
});
