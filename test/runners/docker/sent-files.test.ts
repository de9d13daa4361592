import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer, stdout } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

requires('docker')('Files that come with a run in a container', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on();
  });
  afterAll(() => docker?.end());

  test.each([true, false])(
    'are its own to read, write and execute (workspace mounted: %s)',
    async (mount_workspace) => {
      const files = [
        { path: 'in/a.txt', text: 'one\n' },
        { path: 'bin/run', text: '#!/bin/sh\necho ran', mode: '0755' },
      ];
      const record = await docker.run(
        [
          'sh',
          '-c',
          'cat in/a.txt && bin/run && echo more >>in/a.txt && echo new >in/b && cat in/a.txt in/b',
        ],
        { mount_workspace },
        { options: { files } },
      );
      expect(record.result?.error_summary ?? '').toBe('');
      expect(stdout(record).toString()).toBe('one\nran\none\nmore\nnew\n');
      docker.nothingLeft(record);
    },
  );
});
