import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { DockerServer, stderr, stdout } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

requires('docker')('The bounds of a run in a container', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on();
  });
  afterAll(() => docker?.end());

  test('a program that ignores SIGTERM is killed after the grace, and its container is gone', async () => {
    const record = await docker.shell(
      'trap "" TERM; echo deaf; while :; do sleep 1; done',
      {},
      {
        timeout_seconds: 6, // a busy engine takes long to start one
        options: { kill_grace_seconds: 0.5 },
      },
    );
    expect(record).toMatchObject({
      status: 'timed_out',
      outcome: { timeout_reason: 'run', kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 } },
    });
    expect(stdout(record).toString()).toBe('deaf\n');
    docker.nothingLeft(record);
  });

  test('a program that heeds SIGTERM ends itself within the grace, and what it says then is kept', async () => {
    const id = await docker.start(
      'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.1; done',
      {},
      {
        options: { kill_grace_seconds: 20 },
      },
    );
    await docker.wrote(id, 'ready');
    await docker.post(`/invocations/${id}/cancel`);
    const record = await docker.finished(id);
    expect(record).toMatchObject({
      status: 'cancelled',
      outcome: { exit_code: 7, kill: { signals: ['SIGTERM'] } },
    });
    expect(stdout(record).toString()).toBe('ready\nbye\n');
  });

  test('without output for too long a run is stopped', async () => {
    const record = await docker.shell(
      'echo once; sleep 100',
      {},
      {
        options: { idle_timeout_seconds: 0.7, kill_grace_seconds: 0 },
      },
    );
    expect(record).toMatchObject({ status: 'timed_out', outcome: { timeout_reason: 'idle' } });
    docker.nothingLeft(record);
  });

  test('a run cancelled at any moment of its start leaves nothing', async () => {
    const records: RunRecord[] = [];
    for (const ms of [0, 5, 10, 20, 40, 60, 90, 120, 160, 220, 300]) {
      const id = await docker.start('sleep 100', {}, { options: { kill_grace_seconds: 0 } });
      await sleep(ms);
      await docker.post(`/invocations/${id}/cancel`);
      records.push(await docker.finished(id));
    }
    for (const record of records) {
      expect(record.status).toBe('cancelled');
      docker.nothingLeft(record);
    }
  });

  test('signals reach the program', async () => {
    const id = await docker.start('trap "echo got it; exit 0" USR1; echo ready; while :; do sleep 0.1; done');
    await docker.wrote(id, 'ready');
    expect((await docker.post(`/invocations/${id}/signals`, { signal: 'SIGUSR1' })).statusCode).toBeLessThan(
      300,
    );
    const record = await docker.finished(id);
    expect(record.status).toBe('succeeded');
    expect(stdout(record).toString()).toBe('ready\ngot it\n');
  });

  test('a program that wants more memory than it may have is told apart from others that are killed', async () => {
    const record = await docker.run(['tail', '/dev/zero'], { memory_bytes: 32 * 1024 ** 2 });
    expect(record).toMatchObject({
      status: 'failed',
      result: { exit_code: 137, error_summary: 'killed: out of memory (limit 33554432 bytes)' },
      outcome: { ended: 'signaled', signal: 'SIGKILL' },
    });
    const killed = await docker.shell('kill -9 $$', { memory_bytes: 32 * 1024 ** 2 });
    expect(killed.result).toMatchObject({
      exit_code: 137,
      error_summary: 'exited with code 137 (as after SIGKILL)',
    });
  });

  test('no more processes than allowed, and no writes to a read-only root', async () => {
    const many = await docker.shell('for i in 1 2 3 4 5 6 7 8 9; do sleep 3 & done; wait', { pids: 6 });
    expect(stderr(many).toString()).toMatch(/fork/);
    const readOnly = await docker.shell('touch /tmp/x; echo kept > ok; touch /scratch/y && cat ok', {
      read_only: true,
      tmpfs: [{ target: '/scratch', size_bytes: 1024 ** 2 }],
    });
    expect(stdout(readOnly).toString()).toBe('kept\n');
    expect(stderr(readOnly).toString()).toMatch(/Read-only file system/);
  });

  test('CPU time and peak memory are told', async () => {
    const record = await docker.shell('i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done; sleep 1.2');
    expect(record.outcome?.usage?.max_rss_bytes).toBeGreaterThan(0);
    const { cpu_user_ms = 0, cpu_system_ms = 0 } = record.outcome?.usage ?? {};
    expect(cpu_user_ms + cpu_system_ms).toBeGreaterThan(20);
  });
});
