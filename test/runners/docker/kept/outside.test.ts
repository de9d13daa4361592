import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keeperFor } from '../../../../runners/docker/kept-keeper.ts';
import { Rejected } from '../../../../src/contract/outcome.ts';
import type { Record as RunRecord } from '../../../../src/documents/record.ts';
import { buildApp } from '../../../helpers/build-app.ts';
import { engineElsewhere } from '../../../helpers/docker/forward.ts';
import { containersOf, DOCKER_HOST, testImage, volumesOf } from '../../../helpers/docker/image.ts';
import { DockerServer, stdout } from '../../../helpers/docker/server.ts';
import { DockerSessions, engine } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';
import { eventsOf } from '../../../helpers/run-events.ts';

const SETUP = { setup: { commands: ['true'] } };

requires('docker')('What is done to a kept container from outside', () => {
  let docker: DockerServer;
  let sessions: DockerSessions;
  beforeAll(async () => {
    docker = await DockerServer.on();
    sessions = new DockerSessions(docker);
  });
  afterAll(() => docker?.end());

  const script = 'echo up; sleep 1000';

  for (const [what, words] of [
    ['kill', /^its container was ended \(exit code 137\)/],
    ['rm -f', /^the Docker engine no longer knows its container/],
    ['restart -t 0', /^(what watched the program was killed|its container was ended)/],
  ] as const)
    test(`docker ${what}: a run with a setup is lost, with the output it had, and says why`, async () => {
      const id = await docker.start(script, {}, { options: SETUP });
      await docker.wrote(id, 'up');
      engine(...what.split(' '), ...containersOf(id));
      const record = await docker.finished(id);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'lost', started: true, retry_safe: false },
      });
      expect(record.result?.error_summary).toMatch(words);
      expect(stdout(record).toString()).toBe('up\n');
      docker.nothingLeft(record);
      expect(volumesOf(id)).toEqual([]);
    });

  for (const [what, options] of [
    ['of a run', {}],
    ['of a run with a setup', SETUP],
  ] as const)
    test(`docker rm -f of the container ${what}: the volumes of its image go too, and had what the image has there`, async () => {
      const image = await testImage({ changes: ['VOLUME /bin', 'VOLUME /data'] });
      const id = await docker.start(script, { image }, { options });
      await docker.wrote(id, 'up');
      expect(volumesOf(id).length).toBeGreaterThanOrEqual(2);
      engine('rm', '-f', ...containersOf(id));
      docker.nothingLeft(await docker.finished(id));
      await expect.poll(() => volumesOf(id)).toEqual([]);
    });

  test('docker kill in the setup: it is lost, and the command is not begun', async () => {
    const id = await docker.start(
      'echo never',
      {},
      { options: { setup: { commands: ['echo up >&2; sleep 1000'] } } },
    );
    const { app } = docker.app;
    const read = async () => (await app.inject({ url: `/invocations/${id}/stderr?phase=setup` })).body;
    await expect.poll(read, { timeout: 10_000 }).toBe('up\n');
    engine('kill', ...containersOf(id));
    const record = await docker.finished(id);
    expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'lost', stdout: { bytes: 0 } } });
    expect(record.result?.error_summary).toMatch(/^setup: command 1 of 1 .*its container was ended/);
  });

  test('docker kill of that of a session: the run in it is lost, the next one has it started again and says so', async () => {
    const { id, container } = await sessions.open({
      setup: { commands: ['echo kept >/tmp/kept; sleep 1000 &'] },
    });
    const run = await sessions.start(id, script);
    await docker.wrote(run, 'up');
    engine('kill', container);
    const lost = await docker.finished(run);
    expect(lost).toMatchObject({ status: 'failed', outcome: { ended: 'lost' } });
    expect(lost.result?.error_summary).toMatch(/its container was ended \(exit code 137\)/);
    const next = await sessions.run(id, 'cat /tmp/kept');
    expect([next.status, stdout(next).toString()]).toEqual(['succeeded', 'kept\n']);
    const told = (await eventsOf(docker.app, next)).filter(({ type }) => type === 'progress');
    expect(told).toMatchObject([
      { message: 'the container of the session had stopped and was started again: what ran in it is gone' },
    ]);
    const third = await sessions.run(id, 'ls -A /.runwire/runs | wc -l');
    expect(stdout(third).toString()).toBe('1\n');
    expect((await eventsOf(docker.app, third)).filter(({ type }) => type === 'progress')).toEqual([]);
    expect(await sessions.get(id)).toMatchObject({ state: 'ready', restarted_at: expect.any(String) });
    const reset = await docker.post(`/sessions/${id}/reset?wait=50`);
    expect(reset.json(), reset.body).toMatchObject({ state: 'ready', restarted_at: null });
    await sessions.close(id);
  });

  for (const what of [['restart', '-t', '0'], ['kill'], ['stop', '-t', '0']])
    test(`docker ${what[0]} of that of a session between two runs: the next one says it, and so does the session; once`, async () => {
      const { id, container } = await sessions.open({
        setup: { commands: ['sleep 1000 &'] },
      });
      const look = () => sessions.run(id, 'pidof sleep >/dev/null && echo lives');
      const told = async (run: RunRecord) =>
        (await eventsOf(docker.app, run)).flatMap((event) =>
          event.type === 'progress' ? event.message : [],
        );
      const before = await look();
      expect([stdout(before).toString(), await told(before)]).toEqual(['lives\n', []]);
      expect((await sessions.get(id)).restarted_at).toBeNull();
      engine(...what, container);
      if (what[0] !== 'restart') engine('start', container);
      const next = await look();
      expect(next.outcome?.exit_code).toBe(1);
      expect(await told(next)).toEqual([
        'the container of the session was restarted: what ran in it is gone',
      ]);
      expect(await sessions.get(id)).toMatchObject({ state: 'ready', restarted_at: expect.any(String) });
      expect(await told(await look())).toEqual([]);
      // One that it starts itself is told once too.
      engine('kill', container);
      expect(await told(await look())).toEqual([
        'the container of the session had stopped and was started again: what ran in it is gone',
      ]);
      expect(await told(await look())).toEqual([]);
      const reset = await docker.post(`/sessions/${id}/reset?wait=50`);
      expect(reset.json(), reset.body).toMatchObject({ state: 'ready', restarted_at: null });
      expect(await told(await look())).toEqual([]);
      await sessions.close(id);
    });

  test('docker restart of that of a session while a run is in it: that is lost, and the next one says why it finds nothing', async () => {
    const { id, container } = await sessions.open();
    const run = await sessions.start(id, script);
    await docker.wrote(run, 'up');
    engine('restart', '-t', '0', container);
    expect(await docker.finished(run)).toMatchObject({ outcome: { ended: 'lost' } });
    const next = await sessions.run(id, 'true');
    const told = (await eventsOf(docker.app, next)).filter(({ type }) => type === 'progress');
    expect(told).toMatchObject([
      { message: 'the container of the session was restarted: what ran in it is gone' },
    ]);
    expect(await sessions.get(id)).toMatchObject({ state: 'ready', restarted_at: expect.any(String) });
    await sessions.close(id);
  });

  test('docker pause: a run waits and goes on; one that is to begin says so; one that is to end is ended', {
    timeout: 60_000,
  }, async () => {
    const { id, container } = await sessions.open();
    const run = await sessions.start(id, 'echo up; sleep 1; echo over');
    await docker.wrote(run, 'up');
    engine('pause', container);
    await sleep(1500);
    engine('unpause', container);
    expect(stdout(await docker.finished(run)).toString()).toBe('up\nover\n');
    engine('pause', container);
    const refused = await sessions.run(id, 'true');
    expect(refused).toMatchObject({
      result: { error_summary: 'the container is paused' },
      outcome: { ended: 'never_started', retry_safe: true },
    });
    engine('unpause', container);
    const stuck = await sessions.start(id, script, { options: { kill_grace_seconds: 0 } });
    await docker.wrote(stuck, 'up');
    engine('pause', container);
    await docker.post(`/invocations/${stuck}/cancel`);
    expect(await docker.finished(stuck)).toMatchObject({
      status: 'cancelled',
      outcome: { kill: { survivors: 0 } },
    });
    expect((await sessions.run(id, 'true')).status).toBe('succeeded');
    await sessions.close(id);
  });

  test('a connection that breaks off loses nothing, and nothing twice', { timeout: 60_000 }, async () => {
    const way = await engineElsewhere(DOCKER_HOST);
    const port = Number(new URL(way.host).port);
    const app = await buildApp({ config: { DOCKER_HOST: way.host } });
    const far = new DockerServer(app, docker.image, process.env);
    try {
      const id = await far.start(
        'i=0; while [ $i -lt 30 ]; do echo $i; i=$((i+1)); sleep 0.1; done; exit 4',
        { mount_workspace: false },
        { options: SETUP },
      );
      await far.wrote(id, '5');
      await way[Symbol.asyncDispose]();
      await sleep(500);
      await using _again = await engineElsewhere(DOCKER_HOST, port);
      const record = await far.finished(id);
      expect(record).toMatchObject({ outcome: { ended: 'exited', exit_code: 4 } });
      expect(stdout(record).toString()).toBe(Array.from({ length: 30 }, (_, n) => `${n}\n`).join(''));
      await expect.poll(() => containersOf(id), { timeout: 5000 }).toEqual([]);
    } finally {
      await far.end();
    }
  });

  test('nothing of it is left when the workspace, its files and what it makes are copied', async () => {
    const record = await docker.shell(
      'cat made; echo hello >"$RUNWIRE_ARTIFACT_DIR/a"; echo there >b.txt; sleep 1000 &',
      { mount_workspace: false },
      {
        artifact_directory: 'kept',
        options: { setup: { commands: ['echo made >made'] }, artifacts: ['*.txt'] },
      },
    );
    expect(record, JSON.stringify(record.result)).toMatchObject({ status: 'succeeded' });
    expect(stdout(record).toString()).toBe('made\n');
    expect(record.result?.artifacts.map(({ artifact_id }) => artifact_id).slice(4)).toEqual(
      expect.arrayContaining(['a', 'b.txt']),
    );
    docker.nothingLeft(record);
  });

  test('with a read-only root too', async () => {
    const record = await docker.shell('touch /x; echo ok', { read_only: true }, { options: SETUP });
    expect([record.status, stdout(record).toString()]).toEqual(['succeeded', 'ok\n']);
  });

  test('an image of another architecture is refused in words', () => {
    expect(keeperFor({ os: 'linux', architecture: 'arm64' }).length).toBeGreaterThan(10_000);
    const words = /need an image for linux on amd64 or arm64, and this one is for linux on s390x/;
    expect(() => keeperFor({ os: 'linux', architecture: 's390x' })).toThrow(words);
    expect(() => keeperFor({ os: 'windows', architecture: 'amd64' })).toThrow(Rejected);
  });

  test('the argument vector is what the engine would make of entrypoint, command and image', async () => {
    const built = `${docker.image}-argv`;
    spawnSync('docker', ['build', '-q', '-t', built, '-'], {
      input: `FROM ${docker.image}\nENTRYPOINT ["echo","entry"]\nCMD ["usual"]\n`,
    });
    for (const spec of [{}, { entrypoint: ['echo', 'own'] }, { entrypoint: [] }])
      for (const command of [[], ['echo', 'said']]) {
        const plain = await docker.run(command, { image: built, ...spec });
        const kept = await docker.run(command, { image: built, ...spec }, { options: SETUP });
        expect([kept.status, stdout(kept).toString()]).toEqual([plain.status, stdout(plain).toString()]);
      }
    engine('rmi', built);
  });

  test('a mount where the server puts what it needs is refused', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runwire-mount-'));
    const record = await docker.shell('true', { tmpfs: [{ target: '/.runwire' }] }, { options: SETUP });
    expect(record.result?.error_summary).toMatch(/overlaps what the server puts in at \/\.runwire/);
    rmSync(directory, { recursive: true });
  });
});
