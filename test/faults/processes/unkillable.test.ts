import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { own } from '../../helpers/own-id.ts';
import { processesWith, supervisorOf, until, zombiesOf } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

/** A cgroup in which nothing runs, not even towards its death. */
class Freezer {
  readonly #path = `/sys/fs/cgroup/freezer/runwire-${process.pid}-${Date.now()}`;

  constructor() {
    mkdirSync(this.#path);
  }

  freeze(pids: number[]): void {
    for (const pid of pids) writeFileSync(`${this.#path}/cgroup.procs`, String(pid));
    writeFileSync(`${this.#path}/freezer.state`, 'FROZEN');
  }

  thaw(): void {
    writeFileSync(`${this.#path}/freezer.state`, 'THAWED');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await until(() => {
      try {
        rmdirSync(this.#path);
        return true;
      } catch {
        return false; // its last process is about to go
      }
    }, 'the cgroup is empty');
  }
}

requires('freezer')('A process that not even SIGKILL ends', () => {
  withSubprocesses('A run', (parts) => {
    test('with such a leader is answered all the same, says so, and it goes when it can', async () => {
      await using freezer = new Freezer();
      const word = own(`frozen-${parts.spawn}`);
      const id = await parts.start(['sh', '-c', 'echo up; sleep 60; true', word]);
      await parts.said(id, 'up');
      await until(() => processesWith(word).length === 1, 'it is there');
      freezer.freeze(processesWith(word));
      const cancelledAt = performance.now();
      parts.app.engine.cancel(id, 0.1);
      const record = await parts.finished(id);
      expect(performance.now() - cancelledAt).toBeLessThan(5_000);
      expect(record).toMatchObject({
        status: 'cancelled',
        outcome: { exit_code: null, signal: null, kill: { signals: ['SIGTERM', 'SIGKILL'] } },
      });
      expect(record.outcome?.kill?.survivors).toBeGreaterThan(0);
      expect(await parts.stdout(record)).toBe('up\n');
      expect(processesWith(word)).toHaveLength(1);
      expect((await parts.run(['true'])).outcome).toMatchObject({ ended: 'exited', kill: null });
      freezer.thaw();
      await until(() => processesWith(word).length === 0, 'it is gone');
      await until(() => zombiesOf(supervisorOf(parts.app.dataDir)).length === 0, 'it is reaped');
    });

    test('that left one behind tells of it, and the next runs are not held', async () => {
      await using freezer = new Freezer();
      const word = own(`frozen-daemon-${parts.spawn}`);
      const id = await parts.start(
        ['sh', '-c', `setsid sh -c 'echo up; sleep 60; true' ${word} & read -r line; exit 3`],
        { options: { stdin_open: true } },
      );
      await parts.said(id, 'up');
      freezer.freeze(processesWith(word));
      await parts.app.app.inject({ method: 'POST', url: `/invocations/${id}/stdin?eof=true` });
      const record = await parts.finished(id);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'exited', exit_code: 3, kill: { signals: ['SIGKILL'] } },
      });
      expect(record.outcome?.kill?.survivors).toBeGreaterThan(0);
      expect((await parts.run(['true'])).outcome).toMatchObject({ ended: 'exited', kill: null });
      freezer.thaw();
      await until(() => processesWith(word).length === 0, 'it is gone');
    });
  });
});
