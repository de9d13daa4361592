import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer, stderr, stdout } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

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
      '/workspace/pipe.txt: not a regular file: a FIFO',
      '/workspace/outside.txt: a symbolic link out of the directory',
    ]);
    docker.nothingLeft(record);
  });

  const LINKS = `mkdir -p deep; echo real > real.bin; echo deep > deep/real.bin; ln -s $PWD/real.bin absolute.txt
    ln -s $PWD/deep deep/linked; ln -s $PWD/deep/linked/real.bin through.txt; ln -s $PWD/deep/linked/../real.bin back.txt
    ln -s /etc/hostname hostname.txt; ln -s ../../etc/passwd passwd.txt; ln -s $PWD/none none.txt; ln -s $PWD/deep to.txt
    ln -s loop.txt loop.txt; ln -s ../../../..$PWD/absolute.txt chain.txt`;

  test.each([
    ['in the workspace', {}],
    ['in a workspace elsewhere', { workdir: '/some/where' }],
    ['of a container that has all in itself', { mount_workspace: false }],
    ['of one that has all in itself elsewhere', { mount_workspace: false, workdir: '/some/where' }],
  ])(
    'links of a container %s lead where it saw them lead, and nowhere on this machine',
    async (_name, spec) => {
      const record = await docker.shell(LINKS, spec, { options: { artifacts: ['*.txt'] } });
      expect(record).toMatchObject({ status: 'succeeded' });
      const root = docker.app.dataDir;
      const files = record.result?.artifacts.slice(2).map(({ artifact_id, description }) => {
        const id = record.invocation.invocation_id;
        return [description, readFileSync(join(root, 'runs', id, 'artifacts', artifact_id), 'utf8').trim()];
      });
      expect(files).toEqual([
        ['absolute.txt', 'real'],
        ['back.txt', 'real'],
        ['chain.txt', 'real'],
        ['through.txt', 'deep'],
      ]);
      const omitted = record.outcome?.omitted
        .map(({ path, reason }) => `${basename(path)}: ${reason}`)
        .sort();
      expect(omitted).toEqual([
        'hostname.txt: a symbolic link out of the directory',
        'loop.txt: a symbolic link that leads to itself',
        'none.txt: a symbolic link that leads nowhere',
        'passwd.txt: a symbolic link out of the directory',
        'to.txt: a symbolic link to a directory',
      ]);
    },
  );

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

  test('a link that a run makes leads neither the result nor the collection out of the workspace', async () => {
    const victim = mkdtempSync(join(tmpdir(), 'runwire-victim-'));
    try {
      writeFileSync(join(victim, 'secret.txt'), 'secret');
      const record = await docker.shell(
        `ln -s ${victim} out; ln -s ${victim}/secret.txt stolen.txt`,
        {},
        {
          output_result_path: 'out/result.json',
          options: { artifacts: ['*.txt', 'out/*'] },
        },
      );
      expect(readdirSync(victim)).toEqual(['secret.txt']);
      expect(record.result?.error_summary).toMatch(/a symbolic link leads out of the working directory/);
      expect(record.result?.artifacts).toHaveLength(2);
    } finally {
      rmSync(victim, { recursive: true, force: true });
    }
  });

  test('directories within the roots are mounted, read-only unless it is said, as is a working directory', async () => {
    const root = mkdtempSync(join(tmpdir(), 'runwire-roots-'));
    const own = await DockerServer.on(undefined, { config: { RUNWIRE_DOCKER_MOUNT_ROOTS: root } });
    try {
      for (const name of ['data', 'work']) mkdirSync(join(root, name), { mode: 0o777 });
      writeFileSync(join(root, 'data/in.txt'), 'in');
      chmodSync(join(root, 'data'), 0o777);
      chownSync(join(root, 'work'), 1000, 1000);
      const mount = (read_only: boolean) => ({
        mounts: [{ source: join(root, 'data'), target: '/data', read_only }],
      });
      const record = await own.shell('cat /data/in.txt; id -u; echo x > made; touch /data/new', mount(true), {
        working_directory: join(root, 'work'),
      });
      expect(stdout(record).toString()).toBe('in1000\n');
      expect(stderr(record).toString()).toMatch(/Read-only file system/);
      expect(statSync(join(root, 'work/made')).uid).toBe(1000);
      expect((await own.shell('touch /data/new', mount(false))).status).toBe('succeeded');
      expect(existsSync(join(root, 'data/new'))).toBe(true);
      symlinkSync('/etc', join(root, 'link'));
      const escaped = await own.run(['true'], { mounts: [{ source: join(root, 'link'), target: '/data' }] });
      expect(escaped.result?.error_summary).toMatch(/link is outside RUNWIRE_DOCKER_MOUNT_ROOTS/);
      const around = await own.run(
        ['true'],
        { mounts: [{ source: root, target: '/data' }] },
        {
          working_directory: join(root, 'work'),
        },
      );
      expect(around.result?.error_summary).toMatch(/overlaps the workspace/);
    } finally {
      await own.end();
      rmSync(root, { recursive: true, force: true });
    }
  });

  test('a file that is too large, or one too many, is not copied out of a container', async () => {
    const config = { RUNWIRE_MAX_ARTIFACT_BYTES: '1000', RUNWIRE_MAX_ARTIFACTS_COUNT: '2' };
    const own = await DockerServer.on(undefined, { config });
    try {
      const spec = { mount_workspace: false };
      const fields = { artifact_directory: 'out' };
      const large = await own.shell(
        'head -c 1001 /dev/zero > $RUNWIRE_ARTIFACT_DIR/large; touch out/small',
        spec,
        fields,
      );
      expect(large.outcome?.omitted).toEqual([
        { path: '/workspace/out/large', reason: 'larger than 1000 bytes' },
      ]);
      expect(large.result?.artifacts.at(2)?.description).toBe('small');
      const many = await own.shell('for i in 1 2 3 4; do echo $i > out/$i; done', spec, fields);
      expect(many.result?.artifacts).toHaveLength(4);
      expect(many.outcome?.omitted[0]?.reason).toMatch(/more than 2 files/);
    } finally {
      await own.end();
    }
  });
});
