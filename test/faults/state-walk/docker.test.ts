import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { containersOf, DOCKER_HOST, testImage, volumesOf } from '../../helpers/docker/image.ts';
import { until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { exits, truth } from './programs.ts';
import { WalkSuite } from './suite.ts';

requires('docker')('A run in a container whose server is killed', () => {
  const suite = new WalkSuite('The server was killed during a run of kind docker:', {
    ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
  });
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });

  for (const point of [
    'insert committed',
    'container made',
    'container not started',
    'container started',
    'journal grew, not told',
    'container not removed',
    'container removed',
    'facts received',
    'result made',
    'result committed',
  ])
    suite.try(`at "${point}" ends as it ended, and leaves no container`, async (walk) => {
      const { body, wrote } = exits(6);
      const { record } = await walk.step({
        point,
        said: `docker: ${point}`,
        body: { ...body, runtime_kind: 'docker', options: { docker: { image, ports: { 0: 8080 } } } },
        wrote,
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      await until(() => containersOf(id).length === 0, 'its container is removed');
      expect(record.result.artifacts.map(({ artifact_id }) => artifact_id)).toContain('zeros');
    });

  for (const point of ['prepared in the workspace', 'container started', 'snapshot after written'])
    suite.try(`in a workspace, at "${point}", ends as it ended, and its workspace is free`, async (walk) => {
      await walk.server.startUnlessUp();
      const workspace = walk.newId();
      await walk.server.post('/workspaces', { workspace_id: workspace, files: [{ path: 'in', text: 'x' }] });
      const { body, wrote } = exits(6);
      const { record } = await walk.step({
        point,
        said: `docker in a workspace: ${point}`,
        body: {
          ...body,
          runtime_kind: 'docker',
          options: { workspace: { id: workspace, snapshot: 'both' }, docker: { image } },
        },
        wrote,
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      await until(() => containersOf(id).length === 0, 'its container is removed');
      const { before, after } = record.outcome.workspace?.snapshots ?? {};
      const statusOf = async (path: string) => (await fetch(`${walk.server.url}${path}`)).status;
      expect(await statusOf(`/snapshots/${before}/files/kept/zeros`)).toBe(404);
      expect(await statusOf(`/snapshots/${after}/files/kept/zeros`)).toBe(200);
      const url = `${walk.server.url}/workspaces/${workspace}`;
      expect((await fetch(url, { method: 'DELETE' })).status).toBe(204);
    });

  for (const point of [
    'prepared in the workspace',
    'container made',
    'workspace not copied in',
    'workspace copied in',
    'container not started',
    'container started',
    'workspace not copied out',
    'workspace coming back',
    'workspace unpacked',
    'workspace captured',
    'restore not written',
    'restore written',
    'restore committed',
    'restored not written',
    'restored written',
    'workspace copied back',
    'container not removed',
    'snapshot after written',
    'result made',
  ])
    suite.try(`in a copy of its workspace, at "${point}", that is what it made of it`, async (walk) => {
      await walk.server.startUnlessUp();
      const workspace = walk.newId();
      const files = ['same', 'old'].map((path) => ({ path, text: path }));
      await walk.server.post('/workspaces', { workspace_id: workspace, files });
      const { body, wrote } = exits(6);
      const [sh, c, script] = (body as { command: string[] }).command;
      const { record } = await walk.step({
        point,
        said: `docker in a copy of its workspace: ${point}`,
        body: {
          ...body,
          command: [sh, c, `cat old >>new && rm old; ${script}`],
          runtime_kind: 'docker',
          options: {
            workspace: { id: workspace, snapshot: 'both' },
            docker: { image, mount_workspace: false },
          },
        },
        wrote,
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      await until(() => containersOf(id).length === 0, 'its container is removed');
      expect(volumesOf(id), 'volumes that are left').toEqual([]);
      const url = `${walk.server.url}/workspaces/${workspace}`;
      const textOf = async (path: string) => {
        const response = await fetch(`${url}/files/${path}`);
        return response.status === 200 ? response.text() : response.status;
      };
      expect([await textOf('same'), await textOf('new'), await textOf('old')]).toEqual(['same', 'old', 404]);
      expect(await textOf('kept/zeros')).toHaveLength(200_000);
      const { before, after } = record.outcome.workspace?.snapshots ?? {};
      const statusOf = async (path: string) => (await fetch(`${walk.server.url}${path}`)).status;
      expect(await statusOf(`/snapshots/${before}/files/old`)).toBe(200);
      expect(await statusOf(`/snapshots/${after}/files/old`)).toBe(404);
      expect(await statusOf(`/snapshots/${after}/files/kept/zeros`)).toBe(200);
      expect(record.result.artifacts.map(({ artifact_id }) => artifact_id)).toContain('zeros');
      const beside = join(walk.server.dataDir, 'workspaces', workspace, 'beside');
      expect(readdirSync(beside).filter((name) => name !== 'restore')).toEqual([]);
      expect((await fetch(url, { method: 'DELETE' })).status).toBe(204);
    });

  suite.try('whose container is gone has told all that was not kept of its output', async (walk) => {
    const { record, lines } = await walk.step({
      point: 'container removed',
      said: 'docker: container removed, output over its limit',
      body: {
        runtime_kind: 'docker',
        command: ['sh', '-c', 'printf 0123456789'],
        options: { max_output_bytes: 4, docker: { image } },
      },
      wrote: { stdout: '0123456789', stderr: '' },
      expected: { status: 'succeeded', outcome: { exit_code: 0 } },
    });
    expect(record.outcome.stdout).toMatchObject({ bytes: 10, kept: 4 });
    expect(lines.filter((line) => line.includes('"type":"gap"'))).toHaveLength(1);
  });

  suite.restartOnceMore();
});
