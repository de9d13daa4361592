import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { dockerGate } from '../../helpers/docker/gate.ts';
import { containersOf, DOCKER_HOST, testImage, volumesOf } from '../../helpers/docker/image.ts';
import { DockerServer, stdout } from '../../helpers/docker/server.ts';
import { DockerSessions, sessionContainers, sessionVolumes } from '../../helpers/docker/sessions.ts';
import { own } from '../../helpers/own-id.ts';
import { requires } from '../../helpers/require.ts';

requires('docker')('A server that comes back', () => {
  const docker = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };

  test('resumes with its containers: their output is whole and exact, and their end is told', async () => {
    const image = await testImage();
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    const script =
      'i=0; while [ $i -lt 40 ]; do printf "\\303\\244%s\\377\\n" $i; i=$((i+1)); sleep 0.1; done; exit 4';
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST } });
      const response = await first.app.inject({
        method: 'POST',
        url: '/invocations',
        payload: { runtime_kind: 'docker', command: ['sh', '-c', script], options: { docker: { image } } },
      });
      const id: string = response.json().invocation.invocation_id;
      const { stdout: path } = first.engine.directory(id);
      for (let n = 0; n < 400 && !(await bytesOf(path)).includes('5'); n++) await sleep(25);
      await first.close('leave');
      const before = (await bytesOf(path)).length;
      expect(before).toBeGreaterThan(0);
      await sleep(500);
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      try {
        const record = (await second.app.inject({ url: `/invocations/${id}?wait=50` })).json();
        expect(record).toMatchObject({ status: 'failed', result: { exit_code: 4 } });
        const expected = Buffer.concat(
          Array.from({ length: 40 }, (_, n) =>
            Buffer.concat([Buffer.from(`ä${n}`), Buffer.from([0xff, 10])]),
          ),
        );
        expect((await bytesOf(path)).equals(expected)).toBe(true);
        expect(record.outcome.stdout.bytes).toBe(expected.length);
        expect(containersOf(id)).toEqual([]);
      } finally {
        await second.end();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('takes the last bytes of a container too, where they have no line end', async () => {
    const docker = { image: await testImage() };
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    const command = ['sh', '-c', 'echo one; sleep 3; echo two; printf last; printf error >&2'];
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST } });
      const ids: string[] = [];
      for (let n = 0; n < 6; n++) {
        const payload = { runtime_kind: 'docker', command, options: { docker } };
        const response = await first.app.inject({ method: 'POST', url: '/invocations', payload });
        ids.push(response.json().invocation.invocation_id);
      }
      const captures = ids.map((id) => first.engine.directory(id));
      for (const { stdout } of captures)
        for (let n = 0; n < 800 && (await bytesOf(stdout)).length === 0; n++) await sleep(25);
      await first.close('leave');
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      try {
        for (const id of ids) await second.app.inject({ url: `/invocations/${id}?wait=50` });
        for (const { stdout, stderr } of captures)
          expect([String(await bytesOf(stdout)), String(await bytesOf(stderr))]).toEqual([
            'one\ntwo\nlast',
            'error',
          ]);
      } finally {
        await second.end();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('gets all of the output, and its predecessor none, when that one left while it was starting a container', async () => {
    const docker = { image: await testImage() };
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    await using gate = await dockerGate(DOCKER_HOST, dataDir);
    const command = ['sh', '-c', 'echo one; sleep 3; echo two'];
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST: gate.host } });
      const muted = gate.mute(/^POST \S*\/containers\/\w+\/start/);
      const payload = { runtime_kind: 'docker', command, options: { docker } };
      const response = await first.app.inject({ method: 'POST', url: '/invocations', payload });
      const id: string = response.json().invocation.invocation_id;
      const { stdout } = first.engine.directory(id);
      await muted;
      for (let n = 0; n < 400 && (await bytesOf(stdout)).length === 0; n++) await sleep(25);
      await first.close('leave');
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      try {
        gate.open();
        const record = (await second.app.inject({ url: `/invocations/${id}?wait=50` })).json();
        expect(record.result.exit_code).toBe(0);
        await sleep(300); // what the first one still does
        expect(String(await bytesOf(stdout))).toBe('one\ntwo\n');
      } finally {
        await second.end();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('finds the containers of its sessions, with what their setup left running, also where all runs were ended', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    const first = await DockerServer.on(DOCKER_HOST, { dataDir });
    const { id, container } = await new DockerSessions(first).open({ setup: { commands: ['sleep 1000 &'] } });
    const run = await new DockerSessions(first).start(id, 'echo up; sleep 1000');
    await first.wrote(run, 'up');
    await first.app.engine.cancelAll({ graceSeconds: 0, leave: false });
    await first.app.close('quit');
    expect(sessionContainers(id)).toEqual([container]);
    const second = await DockerServer.on(DOCKER_HOST, { dataDir });
    const sessions = new DockerSessions(second);
    expect((await second.finished(run)).status).toBe('cancelled');
    const record = await sessions.run(id, 'pidof sleep >/dev/null && echo lives');
    expect(stdout(record).toString()).toBe('lives\n');
    expect(await sessions.get(id)).toMatchObject({ state: 'ready', restarted_at: null });
    await sessions.close(id);
    await second.end();
  });

  test('removes what an earlier self left, and nothing of another server', async () => {
    const image = await testImage();
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    const id = own('left');
    const label = (server: string) => [
      '--label',
      `runwire.server=${server}`,
      '--label',
      `runwire.invocation_id=${id}`,
    ];
    const theirs = docker('create', ...label('another-server'), image, 'true');
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST } });
      await first.run({ runtime_kind: 'docker', command: ['true'], options: { docker: { image } } });
      await first.close('quit');
      const ours = readFileSync(join(dataDir, 'docker-server-id'), 'utf8').trim();
      docker('create', ...label(ours), image, 'true');
      docker('run', '-d', '--network', 'none', ...label(ours), image, 'sleep', '1000');
      expect(containersOf(id)).toHaveLength(3);
      // What others left when they removed a container of ours.
      docker('volume', 'create', ...label(ours));
      docker('volume', 'create', '--label', `runwire.server=${ours}`, '--label', `runwire.session=s-${id}`);
      const theirVolume = docker('volume', 'create', ...label('another-server'));
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      for (let n = 0; n < 200 && containersOf(id).length > 1; n++) await sleep(50);
      expect(containersOf(id)).toEqual([theirs.slice(0, 12)]);
      await expect.poll(() => volumesOf(id), { timeout: 10_000 }).toEqual([theirVolume]);
      await expect.poll(() => sessionVolumes(`s-${id}`), { timeout: 10_000 }).toEqual([]);
      docker('volume', 'rm', theirVolume);
      await second.end();
    } finally {
      docker('rm', '-f', theirs);
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
