import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processesWith, supervisorOf, until } from '../helpers/processes.ts';
import { expectInvariants, processesOf } from './invariants.ts';
import { RecoveringServer } from './recovering.ts';

for (const spawn of ['posix', 'portable'])
  describe(`After a restart of the machine (${spawn} spawner)`, () => {
    let server: RecoveringServer;
    /** Runs of the old boot, whose processes are nobody's. */
    let gone: string[];
    beforeEach(async () => {
      gone = [];
      server = new RecoveringServer({ RUNWIRE_SPAWN: spawn, RUNWIRE_MAX_CONCURRENT: '4' });
      await server.start();
    });
    afterEach(async () => {
      await endStrangers();
      await server.end();
    });

    const strangers = (): number[] => gone.flatMap(processesOf);
    const endStrangers = (): Promise<void> =>
      until(() => {
        for (const pid of strangers()) kill(pid);
        return strangers().length === 0;
      }, 'the strangers are gone');

    const post = (script: string): Promise<string> =>
      server.submit({ runtime_kind: 'subprocess', command: ['sh', '-c', script] });
    const said = (id: string): Promise<void> => server.wrote(id, 'up\n');
    /** The power is cut: nobody is told, and the data directory finds itself under another boot. */
    const cutPower = async (runs: string[]): Promise<void> => {
      await server.crash();
      const supervisor = supervisorOf(server.dataDir);
      process.kill(supervisor, 'SIGKILL');
      await until(() => !processesWith(server.dataDir).includes(supervisor), 'the supervisor is gone');
      // They look exactly like processes of the runs, down to pid and start time.
      gone = runs;
      const db = new DatabaseSync(join(server.dataDir, 'runwire.db'));
      expect(db.prepare('UPDATE boot SET id = ?').run('another').changes).toBe(1);
      db.close();
    };

    test('what ran is lost, plainly, and no process of the new boot is signalled', async () => {
      const loud = await post('trap "" TERM HUP; echo up; sleep 60; true');
      const silent = await post('trap "" TERM HUP; sleep 60; true');
      await said(loud);
      await until(() => [loud, silent].every((id) => processesOf(id).length === 2), 'both run');
      const before = [loud, silent].flatMap(processesOf);
      await cutPower([loud, silent]);
      await server.start();
      for (const id of [loud, silent]) {
        const { status, result, outcome } = await server.ended(id);
        expect({ status, outcome }).toMatchObject({
          status: 'failed',
          outcome: { ended: 'lost', started: true, retry_safe: false, kill: { signals: [], survivors: 0 } },
        });
        expect(result?.error_summary).toBe('the machine restarted while the program ran');
      }
      await sleep(300);
      expect(strangers()).toEqual(before);
      await endStrangers();
      for (const id of [loud, silent]) await expectInvariants({ url: server.url, id });
    });

    test('what had ended is told as it ended, what waited runs, and what runs then is no run of the old boot', async () => {
      const ended = await post('echo up; sleep 1; exit 3');
      const busy = await Promise.all([post('sleep 60'), post('sleep 60'), post('sleep 60')]);
      const queued = await post('echo ran');
      await said(ended);
      await server.crash();
      await until(() => processesOf(ended).length === 0, 'it has ended without a server');
      await sleep(500); // its end is written in the moment after
      await cutPower(busy);
      await server.start();
      await endStrangers();
      const first = await expectInvariants({ url: server.url, id: ended, wrote: { stdout: 'up\n' } });
      expect(first.record.outcome).toMatchObject({ ended: 'exited', exit_code: 3 });
      const second = await expectInvariants({ url: server.url, id: queued, wrote: { stdout: 'ran\n' } });
      expect(second.record.status).toBe('succeeded');
      const later = await post('echo up; sleep 2; echo end');
      await said(later);
      await server.crash();
      await server.start();
      const third = await expectInvariants({ url: server.url, id: later, wrote: { stdout: 'up\nend\n' } });
      expect(third.record.status).toBe('succeeded');
    });

    test('bytes that no event vouches for are cut off and told as a gap', async () => {
      const id = await post('echo up; sleep 60');
      await said(id);
      await cutPower([id]);
      appendFileSync(join(server.dataDir, 'runs', id, 'stdout'), Buffer.alloc(100));
      await server.start();
      await endStrangers();
      const { record: lost } = await expectInvariants({ url: server.url, id, wrote: { stdout: 'up\n' } });
      expect(lost.outcome).toMatchObject({ ended: 'lost', stdout: { bytes: 103, kept: 3 } });
    });
  });

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}
