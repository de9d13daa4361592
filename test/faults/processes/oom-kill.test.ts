import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { startTimeOf } from '../../../src/supervisor/find/proc.ts';
import { processesWith, supervisorOf, until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { startServer } from '../../helpers/server-process.ts';

const MIB = 1024 ** 2;
/** Room for server, supervisor and some of the programs. */
const LIMIT_BYTES = 500 * MIB;
/** Each is smaller than the server, which would be the first to go. */
const PROGRAMS = 16;
const PROGRAM_BYTES = 40 * MIB;

requires(
  'linux',
  'root',
  'memory-cgroup',
)('When memory runs out', () => {
  for (const spawn of ['posix', 'portable'])
    test(`programs go, and their runs say so; server and supervisor stay (${spawn} spawner)`, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'runwire-oom-'));
      const group = `/sys/fs/cgroup/memory/runwire-${process.pid}-${spawn}`;
      mkdirSync(group);
      writeFileSync(`${group}/memory.limit_in_bytes`, String(LIMIT_BYTES));
      const server = await startServer(
        dataDir,
        { RUNWIRE_SPAWN: spawn, RUNWIRE_LOG_LEVEL: 'error', RUNWIRE_DRAIN_SECONDS: '0' },
        ['sh', '-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh'],
      );
      const ask = async (path: string, body?: object): Promise<unknown> =>
        (
          await fetch(`${server.address}${path}`, {
            ...(body && {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify(body),
            }),
          })
        ).json();
      try {
        const supervisor = supervisorOf(dataDir);
        const born = startTimeOf(supervisor);
        const command = ['perl', '-e', `my $held = 'x' x ${PROGRAM_BYTES}; sleep 60`];
        for (let i = 0; i < PROGRAMS; i++) await ask('/invocations', { runtime_kind: 'subprocess', command });
        const finished = async () =>
          ((await ask('/invocations?status=failed')) as { items: RunRecord[] }).items;
        await until(async () => (await finished()).length > 0, 'a program was taken');
        for (const { outcome } of await finished())
          expect(outcome).toMatchObject({ ended: 'signaled', signal: 'SIGKILL', exit_code: -9, kill: null });
        expect(server.child.exitCode ?? server.child.signalCode).toBeNull();
        expect(startTimeOf(supervisor)).toBe(born);
        const running = (await ask('/invocations?status=running')) as { items: RunRecord[] };
        expect(running.items.length).toBeGreaterThan(0);
      } finally {
        await server.stop('SIGTERM');
        for (const pid of processesWith(dataDir)) process.kill(pid, 'SIGTERM');
        await until(() => processesWith(dataDir).length === 0, 'the supervisor has ended');
        rmSync(dataDir, { recursive: true, force: true });
        await until(() => {
          try {
            rmdirSync(group);
            return true;
          } catch {
            return false; // its last process is about to go
          }
        }, 'the cgroup is empty');
      }
    });
});
