import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect } from 'vitest';
import { containersOf, DOCKER_HOST, testImage, volumesOf } from '../../helpers/docker/image.ts';
import { engine, sessionContainers, sessionVolumes } from '../../helpers/docker/sessions.ts';
import { until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { exits, truth } from './programs.ts';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

/** Each of its three programs says that it began, in a file that the next ones see. */
const SETUP = { commands: ['echo first; echo 1 >>/tmp/began', 'echo second >&2; echo 2 >>/tmp/began'] };

function onceEach() {
  const { body, wrote } = exits(6);
  const [sh, c, script] = (body as { command: string[] }).command;
  return {
    body: { ...body, command: [sh, c, `cat /tmp/began; ${script}`] },
    wrote: { ...wrote, stdout: `1\n2\n${wrote.stdout}` },
  };
}

requires('docker')('A run with a setup in a container whose server is killed', () => {
  const suite = new WalkSuite('The server was killed during a run with a setup of kind docker:', {
    ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
  });
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });

  for (const [point, nth = 1] of [
    ['insert committed'],
    ['container made'],
    ['keeper not put'],
    ['keeper put'],
    ['container record not kept'],
    ['container record kept'],
    ['container not started'],
    ['container started'],
    ['container record kept', 2],
    ['exec not made'],
    ['exec made'],
    ['exec not started'],
    ['exec started'],
    ['container record kept', 3],
    ['exec not started', 2],
    ['exec started', 2],
    ['exec made', 3],
    ['exec started', 3],
    ['journal grew, not told'],
    ['container not removed'],
    ['container removed'],
    ['facts received'],
    ['result made'],
    ['result committed'],
  ] as const)
    suite.try(`at "${point}" (${nth}) begins each program once and ends as it ended`, async (walk) => {
      const { body, wrote } = onceEach();
      const { record } = await walk.step({
        ...{ point, nth, wrote },
        said: `docker with a setup: ${point} (${nth})`,
        body: { ...body, runtime_kind: 'docker', options: { setup: SETUP, docker: { image } } },
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      expect(record.outcome?.setup?.map(({ exit_code }) => exit_code)).toEqual([0, 0]);
      expect(record.outcome).toMatchObject({ setup_stdout: { bytes: 6 }, setup_stderr: { bytes: 7 } });
      await until(() => containersOf(id).length === 0, 'its container is removed');
      expect(volumesOf(id), 'volumes that are left').toEqual([]);
      expect(record.result?.artifacts.map(({ artifact_id }) => artifact_id)).toContain('zeros');
    });

  // The fourth exec reads what the setup left running wrote.
  for (const [point, nth = 1] of [
    ['exec started', 2],
    ['exec started', 3],
    ['exec not started', 4],
    ['exec started', 4],
    ['facts received'],
    ['result made'],
    ['result committed'],
  ] as const)
    suite.try(`at "${point}" (${nth}) has all that its setup left running wrote, once`, async (walk) => {
      const { body, wrote } = onceEach();
      const [sh, c, script] = (body as { command: string[] }).command;
      const [first, second] = SETUP.commands;
      const late = '(until [ -e /tmp/gate ]; do sleep 0.05; done; echo late; touch /tmp/late; sleep 1000) &';
      const { record } = await walk.step({
        ...{ point, nth, wrote },
        said: `docker with a setup that leaves something: ${point} (${nth})`,
        body: {
          ...body,
          command: [sh, c, `touch /tmp/gate; until [ -e /tmp/late ]; do sleep 0.05; done; ${script}`],
          runtime_kind: 'docker',
          options: { setup: { commands: [`${first}; ${late}`, second] }, docker: { image } },
        },
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      const read = await fetch(`${walk.server.url}/invocations/${id}/stdout?phase=setup`);
      expect(await read.text()).toBe('first\nlate\n');
      expect(record.outcome).toMatchObject({ setup_stdout: { bytes: 11 }, setup_stderr: { bytes: 7 } });
      await until(() => containersOf(id).length === 0, 'its container is removed');
    });

  for (const point of [
    'exec started',
    'workspace not copied out',
    'workspace copied back',
    'container not removed',
  ])
    suite.try(`in a copy of its workspace, at "${point}", that is what it made of it`, async (walk) => {
      await walk.server.startUnlessUp();
      const workspace = walk.newId();
      await walk.server.post('/workspaces', {
        workspace_id: workspace,
        files: [{ path: 'old', text: 'old' }],
      });
      const { body, wrote } = onceEach();
      const { record } = await walk.step({
        ...{ point, wrote },
        said: `docker with a setup, in a copy of its workspace: ${point}`,
        body: {
          ...body,
          runtime_kind: 'docker',
          options: {
            setup: { commands: [...SETUP.commands, 'echo new >>new'] },
            workspace: { id: workspace },
            docker: { image, mount_workspace: false },
          },
        },
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      await until(() => containersOf(id).length === 0, 'its container is removed');
      const text = async (path: string) =>
        (await fetch(`${walk.server.url}/workspaces/${workspace}/files/${path}`)).text();
      expect([await text('old'), await text('new')]).toEqual(['old', 'new\n']);
      expect(await text('kept/zeros')).toHaveLength(200_000);
      expect(record.result?.artifacts.map(({ artifact_id }) => artifact_id)).toContain('zeros');
    });

  suite.restartOnceMore();
});

requires('docker')('A session in a container whose server is killed', () => {
  const suite = new WalkSuite('The server was killed with a session of kind docker:', {
    ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
  });
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });

  const sent = (id: string) => ({
    session_id: id,
    runtime_kind: 'docker',
    options: { setup: SETUP, docker: { image } },
  });
  const stateOf = async (walk: Walk, id: string) =>
    (await (await fetch(`${walk.server.url}/sessions/${id}`)).json()) as { state: string };
  const closed = async (walk: Walk, id: string) => {
    const { status } = await fetch(`${walk.server.url}/sessions/${id}`, { method: 'DELETE' });
    expect(status).toBe(204);
    await until(() => sessionContainers(id).length === 0, 'the container of the session is removed');
    expect(sessionVolumes(id), 'volumes that are left').toEqual([]);
  };

  for (const [point, nth = 1] of [
    ['insert committed'],
    ['container record kept', 2],
    ['exec made'],
    ['exec not started'],
    ['exec started'],
    ['journal grew, not told'],
    ['facts received'],
    ['exec not started', 2],
    ['result made'],
    ['result committed'],
  ] as const)
    suite.try(`at "${point}" (${nth}) of a run in it, ends the run as it ended, and stays`, async (walk) => {
      await walk.server.startUnlessUp();
      const session = `s-${randomUUID()}`;
      await walk.server.post('/sessions?wait=50', sent(session));
      const [container = ''] = sessionContainers(session);
      // That it is used is stored in the same turn, as after any time.
      if (point === 'insert committed') await sleep(1100);
      const { body, wrote } = onceEach();
      await walk.step({
        ...{ point, nth, wrote },
        said: `docker in a session: ${point} (${nth})`,
        // Its second exec is that of its own setup, where it has one.
        body: {
          ...body,
          runtime_kind: 'docker',
          options: { session, ...(nth === 2 && { setup_command: 'true' }) },
        },
        expected: truth,
      });
      expect(sessionContainers(session)).toEqual([container]);
      expect(await stateOf(walk, session)).toMatchObject({ state: 'ready' });
      const top = () => engine('top', container).split('\n').length;
      await until(() => top() === 2, 'nothing but its first process runs in it');
      await until(
        () => engine('exec', container, 'ls', '-A', '/.runwire/runs') === '',
        'nothing is left of the programs',
      );
      await closed(walk, session);
    });

  for (const [point, nth = 1] of [
    ['container made'],
    ['keeper not put'],
    ['container record kept'],
    ['container not started'],
    ['container started'],
    ['exec made'],
    ['exec started'],
    ['exec not started', 2],
    ['exec started', 2],
    ['facts received'],
    ['result committed'],
  ] as const)
    suite.try(`at "${point}" (${nth}) of its setup, gets ready, each command done once`, async (walk) => {
      await walk.server.startUnlessUp();
      const session = `s-${randomUUID()}`;
      await walk.server.atRest();
      walk.server.killAt({ point, nth });
      const asked = walk.server.post('/sessions?wait=50', sent(session)).catch(() => null);
      await walk.server.killed();
      await asked;
      await walk.server.startUnlessUp();
      const again = await walk.server.post('/sessions?wait=50', sent(session));
      expect(((await again.json()) as { state: string }).state).toBe('ready');
      expect(sessionContainers(session)).toHaveLength(1);
      const body = { runtime_kind: 'docker', command: ['cat', '/tmp/began'], options: { session } };
      const record = await (await walk.server.post('/invocations?wait=50', body)).json();
      expect(record).toMatchObject({ status: 'succeeded', outcome: { stdout: { bytes: 4 } } });
      await closed(walk, session);
    });
});
