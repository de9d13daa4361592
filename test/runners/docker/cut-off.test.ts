import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { dockerGate } from '../../helpers/docker/gate.ts';
import { containersOf, DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { DockerServer, stdout } from '../../helpers/docker/server.ts';
import { engine } from '../../helpers/docker/sessions.ts';
import { requires } from '../../helpers/require.ts';
import { expectSound } from '../../helpers/sound-run.ts';

requires('docker')('When the connection that brings the output breaks off alone', () => {
  test('what comes after it is had from the log of the engine', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runwire-gate-'));
    await using gate = await dockerGate(DOCKER_HOST, directory);
    const app = await buildApp({ config: { DOCKER_HOST: gate.host } });
    const docker = new DockerServer(app, await testImage(), process.env);
    try {
      const id = await docker.start(
        'echo up; until [ -e /tmp/go ]; do sleep 0.05; done; sleep 1; echo down; exit 3',
      );
      await docker.wrote(id, 'up');
      gate.cut(/^POST \/containers\/\w+\/attach/);
      engine('exec', ...containersOf(id), 'touch', '/tmp/go');
      const record = await docker.finished(id);
      expect(record).toMatchObject({ outcome: { ended: 'exited', exit_code: 3 } });
      expect(stdout(record).toString()).toBe('up\ndown\n');
      await expectSound(docker.app, record);
    } finally {
      await docker.end();
      rmSync(directory, { recursive: true });
    }
  });
});
