import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SmallDisk } from '../../faults/small-disk.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { engineElsewhere } from '../../helpers/docker/forward.ts';
import { dockerGate } from '../../helpers/docker/gate.ts';
import { containersOf, DOCKER_HOST, testImage, volumesOf } from '../../helpers/docker/image.ts';
import { DockerServer } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

const MIB = 1024 * 1024;
const COPIED = { mount_workspace: false };

async function made({ workspaces }: BuiltApp): Promise<{ id: string; root: string }> {
  const id = `w-${randomUUID().slice(0, 8)}`;
  await workspaces.create({ workspace_id: id });
  const { root } = workspaces.tree(id);
  fs.writeFileSync(join(root, 'old'), 'x');
  return { id, root };
}

requires(
  'docker',
  'linux',
  'root',
  'mount',
)('A copy of a workspace that does not fit on the disk', () => {
  test.each([
    ['it is unpacked', 20 * MIB],
    ['its contents are kept', 7 * MIB],
  ])('leaves it as it was when %s, and the run says so', async (_, bytes) => {
    using disk = new SmallDisk(12 * MIB);
    const app = await buildApp({ dataDir: disk.path, config: { DOCKER_HOST } });
    const docker = new DockerServer(app, await testImage(), process.env);
    try {
      const { id, root } = await made(app);
      const script = `rm old; dd if=/dev/urandom of=new bs=1048576 count=${bytes / MIB}`;
      const run = await docker.start(script, COPIED, { options: { workspace: id } });
      const record = await docker.finished(run);
      expect(record.result?.error_summary).toMatch(
        /^the files of the workspace could not be brought back, it is as it was before: .*disk/,
      );
      expect([record.status, record.outcome?.exit_code, record.outcome?.failure?.reason]).toEqual([
        'failed',
        0,
        'output_lost',
      ]);
      expect(fs.readdirSync(root)).toEqual(['old']);
      const { app: routes } = app;
      await expect
        .poll(async () => (await routes.inject({ url: '/readyz' })).statusCode, { timeout: 20_000 })
        .toBe(200);
      const next = await docker.shell('cat old; echo y >new', COPIED, { options: { workspace: id } });
      expect([next.status, next.result?.error_summary]).toEqual(['succeeded', null]);
      expect(fs.readdirSync(root).sort()).toEqual(['new', 'old']);
      docker.nothingLeft(record);
      expect(volumesOf(run)).toEqual([]);
    } finally {
      await app.close('quit');
    }
  });
});

requires('docker')('A server that stops while a workspace comes back', () => {
  test('leaves it to one that would have it mounted, and that says that it cannot', async () => {
    const dataDir = fs.mkdtempSync(join(tmpdir(), 'runwire-copied-'));
    await using engine = await engineElsewhere(DOCKER_HOST);
    const image = await testImage();
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST: engine.host } });
      const { id, root } = await made(first);
      const docker = new DockerServer(first, image, process.env);
      const script = 'echo up; sleep 2; echo y >new';
      const run = await docker.start(script, {}, { options: { workspace: id } });
      await docker.wrote(run, 'up');
      await first.close('leave');
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      try {
        const record = await new DockerServer(second, image, process.env).finished(run);
        expect([record.status, record.result?.error_summary]).toEqual([
          'failed',
          'the files of the workspace could not be brought back, it is as it was before: DOCKER_HOST was another when it was copied',
        ]);
        expect(fs.readdirSync(root)).toEqual(['old']);
      } finally {
        await second.close('quit');
      }
    } finally {
      fs.rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('leaves it to the next one', async () => {
    const dataDir = fs.mkdtempSync(join(tmpdir(), 'runwire-copied-'));
    await using gate = await dockerGate(DOCKER_HOST, dataDir);
    const image = await testImage();
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST: gate.host } });
      const docker = new DockerServer(first, image, process.env);
      const { id, root } = await made(first);
      const held = gate.mute(/^GET \/containers\/\w+\/archive\?path=%2Fworkspace/);
      const script = 'rm old; echo y >new';
      const run = await docker.start(script, COPIED, { options: { workspace: id } });
      await held;
      await first.close('leave');
      expect(fs.readdirSync(root)).toEqual(['old']);
      expect(containersOf(run)).toHaveLength(1);
      gate.open();
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      try {
        const record = await new DockerServer(second, image, process.env).finished(run);
        expect([record.status, record.result?.error_summary]).toEqual(['succeeded', null]);
        expect(fs.readdirSync(root)).toEqual(['new']);
        await expect.poll(() => [...containersOf(run), ...volumesOf(run)]).toEqual([]);
      } finally {
        await second.close('quit');
      }
    } finally {
      fs.rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
