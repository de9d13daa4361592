import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { engine, sessionContainers, sessionVolumes } from '../../helpers/docker/sessions.ts';
import { until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { WalkSuite } from './suite.ts';

requires('docker')('What a run brings into the container of a session, whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, in a run that brings assets into a container:', {
    ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
  });
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });

  for (const [point, nth = 1] of [
    ['workspace not copied in'],
    ['workspace copied in'],
    ['container record not kept'],
    ['container record kept'],
    ['exec started'],
    ['journal grew, not told'],
    ['workspace not copied in', 2],
    ['workspace copied in', 2],
    ['facts received'],
    ['result made'],
    ['result committed'],
  ] as const)
    suite.try(`at "${point}" (${nth}) is there for its work, and nowhere after it`, async (walk) => {
      await walk.server.startUnlessUp();
      const session = walk.newId();
      const { url } = walk.server;
      const headers = { 'content-type': 'application/octet-stream' };
      await fetch(`${url}/assets/words`, { method: 'PUT', headers, body: 'one two' });
      const made = await walk.server.post('/sessions?wait=30', {
        session_id: session,
        runtime_kind: 'docker',
        options: { docker: { image }, assets: { all: { asset: 'words' } } },
      });
      expect([made.status, ((await made.json()) as { state: string }).state]).toEqual([201, 'ready']);
      const script =
        'cat {{static:all}} {{static:own}}; echo more >> {{static:own}}; cat {{static:own}}; exit 3';
      await walk.step({
        ...{ point, nth, said: `assets of a run in a container of a session: ${point} (${nth})` },
        wrote: { stdout: 'one twoone twoone twomore\n', stderr: '' },
        body: {
          runtime_kind: 'docker',
          command: ['sh', '-c', script],
          options: { session, assets: { own: { asset: 'words', mode: 'copy', save_path: 'deep/own' } } },
        },
        expected: { status: 'failed', outcome: { ended: 'exited', exit_code: 3 } },
      });
      const [container = ''] = sessionContainers(session);
      const left = () => engine('exec', container, 'sh', '-c', 'cat /static/all; echo " /static/deep/"*');
      await until(() => left() === 'one two /static/deep/*', `nothing of its own is left: ${left()}`);
      await fetch(`${walk.server.url}/sessions/${session}`, { method: 'DELETE' });
      await until(() => sessionContainers(session).length === 0, 'the container of the session is removed');
      expect(sessionVolumes(session), 'volumes that are left').toEqual([]);
    });

  for (const point of ['tree of an asset not in place', 'tree of an asset in place', 'container made'])
    suite.try(
      `at "${point}" a run of its own has what it mounts, whole, and nothing half is left`,
      async (walk) => {
        await walk.server.startUnlessUp();
        const words = walk.newId();
        const headers = { 'content-type': 'application/octet-stream' };
        await fetch(`${walk.server.url}/assets/${words}`, { method: 'PUT', headers, body: words });
        await walk.step({
          ...{ point, said: `assets that a container mounts: ${point}` },
          wrote: { stdout: words, stderr: '' },
          body: {
            runtime_kind: 'docker',
            command: ['sh', '-c', 'cat {{static:words}}; exit 3'],
            options: { docker: { image }, assets: { words: { asset: words } } },
          },
          expected: { status: 'failed', outcome: { ended: 'exited', exit_code: 3 } },
        });
        const trees = readdirSync(join(walk.server.dataDir, 'assets/trees'));
        expect(trees.filter((name) => !/^[0-9a-f]{64}\.file$/.test(name))).toEqual([]);
      },
    );
});
