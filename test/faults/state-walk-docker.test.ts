import { afterAll, beforeAll, expect, test } from 'vitest';
import { containersOf, DOCKER_HOST, testImage } from '../helpers/docker-image.ts';
import { until } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { exits, truth } from './state-walk-programs.ts';
import { Walk } from './state-walk-run.ts';

requires('docker')('A run in a container whose server is killed', () => {
  const walk = new Walk({ ...(DOCKER_HOST !== '' && { DOCKER_HOST }) });
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });
  afterAll(() => walk.end('The server was killed during a run of kind docker:'));

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
    test(`at "${point}" ends as it ended, and leaves no container`, async () => {
      const { body, wrote } = exits(6);
      const { record } = await walk.step({
        point,
        said: `docker: ${point}`,
        body: { ...body, runtime_kind: 'docker', options: { docker: { image } } },
        wrote,
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      await until(() => containersOf(id).length === 0, 'its container is removed');
      expect(record.result.artifacts.map(({ artifact_id }) => artifact_id)).toContain('zeros');
    });

  test('whose container is gone has told all that was not kept of its output', async () => {
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

  test('is still what it was after one more restart', async () => {
    await walk.server.crash();
    await walk.server.startUnlessUp();
    await walk.expectPreviousUnchanged();
  });
});
