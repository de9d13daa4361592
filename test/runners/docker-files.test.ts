import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer, stdout } from '../helpers/docker-server.ts';
import { requires } from '../helpers/require.ts';

requires('docker')('The files of a run in a container', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on();
  });
  afterAll(() => docker?.end());

  test('the working directory is the workspace, and what is written to it is collected', async () => {
    const record = await docker.shell(
      'pwd; echo one > made.txt; echo two > "$RUNWIRE_ARTIFACT_DIR/two.txt"; echo $RUNWIRE_ARTIFACT_DIR',
      {},
      { artifact_directory: 'out', options: { artifacts: ['*.txt'] } },
    );
    expect(stdout(record).toString()).toBe('/workspace\n/workspace/out\n');
    expect(record.result?.artifacts.map(({ description }) => description)).toEqual([
      'captured stdout',
      'captured stderr',
      'made.txt',
      'two.txt',
    ]);
  });

  test('without a mounted workspace artifacts are copied out, and links that lead out are not', async () => {
    const record = await docker.shell(
      'mkdir -p a/b; echo deep > a/b/deep.txt; ln -s a/b/deep.txt inside.txt; ln -s /etc/passwd outside.txt; ln a/b/deep.txt hard.txt; mkfifo pipe.txt; echo no > other.bin; echo two > "$RUNWIRE_ARTIFACT_DIR/two.txt"',
      { mount_workspace: false },
      { artifact_directory: 'out', options: { artifacts: ['**/*.txt'] } },
    );
    expect(record).toMatchObject({ status: 'succeeded' });
    const names = record.result?.artifacts.slice(2).map(({ description }) => description);
    expect(names).toEqual(['a/b/deep.txt', 'hard.txt', 'inside.txt', 'two.txt']);
    const reasons = record.outcome?.omitted.map(({ path, reason }) => `${path}: ${reason}`);
    expect(reasons).toEqual([
      '/workspace/outside.txt: a symbolic link that leads out',
      '/workspace/pipe.txt: not a regular file: fifo',
    ]);
    docker.nothingLeft(record);
  });

  test('mounts outside the roots, over the workspace or of an engine socket are refused by name', async () => {
    const refused = async (spec: object, fields?: { [field: string]: unknown }) => {
      const record = await docker.run(['true'], spec, fields);
      expect(record.status).toBe('rejected');
      docker.nothingLeft(record);
      return record.result?.error_summary;
    };
    const mount = (source: string, target = '/data') => refused({ mounts: [{ source, target }] });
    expect(await mount('/etc')).toBe('mount /etc is outside RUNWIRE_DOCKER_MOUNT_ROOTS (none)');
    expect(await mount('/var/run/docker.sock')).toMatch(/socket of a container engine/);
    expect(await mount('/')).toMatch(/socket of a container engine/);
    expect(await mount('/no/such')).toBe('mount /no/such cannot be used (ENOENT)');
    expect(await mount(docker.app.dataDir)).toMatch(/overlaps the data of the server/);
    expect(await refused({}, { working_directory: '/etc' })).toBe(
      'working directory /etc is outside RUNWIRE_DOCKER_MOUNT_ROOTS (none)',
    );
    expect(await refused({ tmpfs: [{ target: '/workspace/x' }] })).toBe(
      'mount at /workspace/x overlaps the workspace at /workspace',
    );
  });
});
