import { beforeAll, expect } from 'vitest';
import { containersOf, DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
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
