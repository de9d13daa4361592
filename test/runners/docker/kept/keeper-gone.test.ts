import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerDaemon } from '../../../../runners/docker/daemon.ts';
import { putKeeperBack } from '../../../../runners/docker/kept-keeper.ts';
import { DOCKER_HOST } from '../../../helpers/docker/image.ts';
import { DockerServer, stdout } from '../../../helpers/docker/server.ts';
import { DockerSessions, engine } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';

const AS_ROOT = { user: '0' };
const KEEPER = '/.runwire/keeper';
const WAYS = [
  ['takes it away', `rm ${KEEPER}`],
  ['takes away all of its directory', 'rm -rf /.runwire/*'],
  ['puts another program in its place', `cp /bin/busybox /.runwire/k; mv /.runwire/k ${KEEPER}`],
  [
    'puts one there that does nothing, and well',
    `printf '#!/bin/sh\\n' >/tmp/k; chmod 755 /tmp/k; mv /tmp/k ${KEEPER}`,
  ],
  ['puts a directory there', `rm ${KEEPER}; mkdir -p ${KEEPER}/x`],
  ['puts a link there', `ln -sf /nowhere ${KEEPER}`],
  ['does not let it be executed', `chmod 0 ${KEEPER}`],
] as const;

requires('docker')('A program of user 0 and the keeper', () => {
  let docker: DockerServer;
  let sessions: DockerSessions;
  beforeAll(async () => {
    docker = await DockerServer.on();
    sessions = new DockerSessions(docker);
  });
  afterAll(() => docker?.end());

  test.each(WAYS)('of a session %s: the next run has it put back', async (_, script) => {
    const { id, container } = await sessions.open({}, AS_ROOT);
    const first = await sessions.run(id, script);
    expect(first.outcome?.started, JSON.stringify(first.result)).toBe(true);
    const next = await sessions.run(id, 'echo well');
    expect([next.status, stdout(next).toString()], JSON.stringify(next.result)).toEqual([
      'succeeded',
      'well\n',
    ]);
    // Its first process too, where it is to be started again.
    await sessions.run(id, script);
    engine('kill', container);
    const again = await sessions.run(id, 'echo well');
    expect([again.status, stdout(again).toString()], JSON.stringify(again.result)).toEqual([
      'succeeded',
      'well\n',
    ]);
    await sessions.close(id);
  });

  test('of a setup takes it away: the command is begun', async () => {
    const record = await docker.shell('echo well', AS_ROOT, {
      options: { setup: { commands: [`rm ${KEEPER}`] } },
    });
    expect([record.status, stdout(record).toString()], JSON.stringify(record.result)).toEqual([
      'succeeded',
      'well\n',
    ]);
  });

  test('takes it away and kills the one that watches: what it left is ended', async () => {
    const { id } = await sessions.open({}, AS_ROOT);
    const lost = await sessions.run(
      id,
      `rm ${KEEPER}; (sleep 1000 & echo $! >/tmp/left); kill -9 $PPID; sleep 1000`,
    );
    expect(lost).toMatchObject({ outcome: { ended: 'lost', kill: { survivors: 0 } } });
    const next = await sessions.run(id, 'kill -0 $(cat /tmp/left) || echo ended');
    expect(stdout(next).toString()).toBe('ended\n');
    await sessions.close(id);
  });

  test('where it cannot be put back, that is said', async () => {
    const { id, container } = await sessions.open({}, AS_ROOT);
    const image = engine('inspect', '-f', '{{.Image}}', container);
    const daemon = new DockerDaemon({ host: DOCKER_HOST || null, certPath: null });
    expect(await putKeeperBack(daemon, { id: container, image })).toBe('');
    const words = /^what watches programs in the container cannot be put back: .*[Nn]o such container/;
    expect(await putKeeperBack(daemon, { id: 'f'.repeat(64), image })).toMatch(words);
    await sessions.close(id);
  });
});
