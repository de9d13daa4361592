import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { dockerRunner } from '../../../runners/docker/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { buildApp } from '../../helpers/build-app.ts';
import { dockerDaemon } from '../../helpers/docker/daemon.ts';
import { DockerServer, stderr, stdout } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

const COUNT = 'i=0; while [ $i -lt 60 ]; do echo line $i; echo error $i >&2; i=$((i+1)); sleep 0.1; done';
const lines = (word: string): string => Array.from({ length: 60 }, (_, n) => `${word} ${n}\n`).join('');

requires('docker', 'root')('An engine that goes away', () => {
  test('when it is killed and comes back, the run ends as it says, and nothing is left', async () => {
    await using engine = await dockerDaemon();
    const server = await DockerServer.on(engine.host);
    try {
      const id = await server.start('echo begun; sleep 100');
      await server.wrote(id, 'begun');
      await engine.kill();
      await engine.start();
      const record = await server.finished(id);
      expect(record).toMatchObject({ status: 'failed', outcome: { started: true, retry_safe: false } });
      expect(record.result?.error_summary).toMatch(/the Docker engine was restarted while the container ran/);
      expect(stdout(record).toString()).toBe('begun\n');
      await server.gone(id);
    } finally {
      await server.end();
    }
  });

  test('when it leaves containers alone, the run goes on over its restart and no byte is missing or twice', async () => {
    await using engine = await dockerDaemon('--live-restore');
    const server = await DockerServer.on(engine.host);
    try {
      const id = await server.start(COUNT);
      await server.wrote(id, 'line 5\n');
      await engine.kill();
      await sleep(500);
      await engine.start();
      const record = await server.finished(id);
      expect(record).toMatchObject({ status: 'succeeded', result: { exit_code: 0 } });
      expect(stdout(record).toString()).toBe(lines('line'));
      expect(stderr(record).toString()).toBe(lines('error'));
      await server.gone(id);
    } finally {
      await server.end();
    }
  });

  test('when it stays away, the run is lost, in words; its container goes when the engine is back', async () => {
    await using engine = await dockerDaemon('--live-restore');
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    const docker = dockerRunner({
      config: { dataDir, dockerHost: engine.host, dockerCertPath: null, dockerMountRoots: [] },
      places: new PrivatePlaces(dataDir),
      artifactCaps: { fileBytes: 1e6, totalBytes: 1e6, count: 10 },
      secrets: new Map(),
      reconnectMs: 1000,
    });
    const impatient = { ...docker, kind: 'impatient', aliases: [], optionKey: 'impatient' };
    const server = await DockerServer.on(engine.host, { dataDir, runners: [impatient as Runner] });
    try {
      const id = await server.start('echo begun; sleep 1000', {}, { runtime_kind: 'impatient' });
      await server.wrote(id, 'begun');
      await engine.kill();
      const record = await server.finished(id);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'lost', retry_safe: false, exit_code: null },
      });
      expect(record.result?.error_summary).toMatch(/^the Docker engine went away while the container ran: /);
      await engine.start();
      await server.gone(id);
    } finally {
      await server.end();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('where there is none, runs did not begin and may be tried again, and the kind says why it is not available', async () => {
    const server = await buildApp({ config: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
    try {
      const record = await server.run({ runtime_kind: 'docker', options: { docker: { image: 'x' } } });
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'never_started', started: false, retry_safe: true },
      });
      expect(record.result?.error_summary).toMatch(
        /the Docker engine at unix:\/\/\/nowhere\/docker.sock does not answer: .*ENOENT/,
      );
      const { available, reason } = (await server.app.inject({ url: '/runtimes/docker' })).json();
      expect(available).toBe(false);
      expect(reason).toMatch(/does not answer/);
    } finally {
      await server.end();
    }
  });
});
