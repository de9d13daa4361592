import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { DockerDaemon } from '../../../runners/docker/daemon.ts';
import { copyIn } from '../../../runners/docker/sent-files.ts';

type Context = Parameters<typeof copyIn>[2];

test('a file that cannot be read to its end while it is copied into a container fails the copy', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'runwire-copy-in-'));
  const file = join(directory, 'a');
  writeFileSync(file, Buffer.alloc(5_000_000));
  // An engine that waits for the rest.
  const putArchive = (tar: Readable) =>
    new Promise<never>(() => {
      tar.once('data', () => truncateSync(file, 1)).resume();
    });
  const docker = { getContainer: () => ({ putArchive }) };
  const daemon = { ask: (use: (engine: typeof docker) => unknown) => use(docker) } as unknown as DockerDaemon;
  const ctx = {
    spec: { mount_workspace: false, workdir: '/w' },
    workingDirectory: directory,
    directory: { work: directory },
    output: { progress: () => {} },
    signal: new AbortController().signal,
  };
  try {
    await expect(copyIn(daemon, 'id', ctx as unknown as Context)).rejects.toThrow('got shorter');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
