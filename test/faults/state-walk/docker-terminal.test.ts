import { beforeAll, expect } from 'vitest';
import { containersOf, DOCKER_HOST, testImage, volumesOf } from '../../helpers/docker/image.ts';
import { until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { exits, truth } from './programs.ts';
import { WalkSuite } from './suite.ts';

requires('docker')('A run with a terminal in a container whose server is killed', () => {
  const suite = new WalkSuite('The server was killed during a run with a terminal of kind docker:', {
    ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
  });
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });

  for (const [point, nth = 1] of [
    ['keeper put'],
    ['container started'],
    ['exec not started'],
    ['exec started'],
    ['journal grew, not told'],
    ['container not removed'],
    ['facts received'],
  ] as const)
    suite.try(`at "${point}" begins once and ends as it ended, with all that it showed`, async (walk) => {
      const stdout = Buffer.concat(
        [1, 2, 3, 4].flatMap((n) => [Buffer.from(`Zeile ä ${n}\r\n`), Buffer.from(`\xff${n}`, 'latin1')]),
      );
      const options = { terminal: { cols: 80, rows: 24 }, docker: { image } };
      const { record } = await walk.step({
        ...{ point, nth },
        wrote: { stdout, stderr: '' },
        said: `docker with a terminal: ${point} (${nth})`,
        body: { ...exits().body, runtime_kind: 'docker', options },
        expected: truth,
      });
      const { invocation_id: id } = record.invocation;
      await until(() => containersOf(id).length === 0, 'its container is removed');
      expect(volumesOf(id), 'volumes that are left').toEqual([]);
    });

  suite.restartOnceMore();
});
