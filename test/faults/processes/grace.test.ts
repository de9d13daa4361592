import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { SupervisorClient } from '../../../src/supervisor/client/client.ts';
import { startTimeOf } from '../../../src/supervisor/find/proc.ts';
import type { ExitFacts, SpawnRequest } from '../../../src/supervisor/protocol/messages.ts';
import { until } from '../../helpers/processes.ts';

/** More than a timer of Node can count: 2^31 ms are 24.8 days. */
const LONG_MS = 2 ** 31 + 1000;

for (const spawn of ['posix', 'portable'] as const)
  test(`a grace longer than a timer can count is a long one, and a second stop shortens it (${spawn} spawner)`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-grace-'));
    const supervisor = new SupervisorClient({ dataDir, spawn, environment: {} });
    try {
      await supervisor.connect();
      const { root } = runDirectory(dataDir, 'r');
      mkdirSync(root, { recursive: true });
      let pid: number | undefined;
      const told = { output: 0 };
      const exited = Promise.withResolvers<ExitFacts>();
      const request: SpawnRequest = {
        op: 'spawn',
        run: 'r',
        command: ['sh', '-c', 'trap "echo asked" TERM; echo up; while :; do sleep 0.05; done'],
        environment: ['PATH=/usr/bin:/bin'],
        working_directory: root,
        directory: root,
        first_seq: 3,
        max_output_bytes: 1000,
        stdin: { kind: 'null' },
      };
      await supervisor.spawn(request, Date.now(), {
        started(leader) {
          pid = leader;
        },
        grew: () => void told.output++,
        active() {},
        exited: (facts) => exited.resolve(facts),
        failed: (failure) => exited.reject(new Error(failure.message)),
        lost: () => exited.reject(new Error('lost')),
        absent: () => exited.reject(new Error('absent')),
      });
      await until(() => pid !== undefined && told.output > 0, 'it is up');
      const before = told.output;
      supervisor.stop('r', LONG_MS);
      await until(() => told.output > before, 'it was asked to end');
      await sleep(300);
      expect(startTimeOf(pid ?? 0)).not.toBeNull();
      supervisor.stop('r', 100);
      expect(await exited.promise).toMatchObject({
        signal: 'SIGKILL',
        kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 },
      });
    } finally {
      await supervisor.close('quit');
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
