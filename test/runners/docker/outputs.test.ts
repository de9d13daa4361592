import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dockerRunner } from '../../../runners/docker/runner.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { artifactFile } from '../../../src/disk/run-directory.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { DOCKER_HOST } from '../../helpers/docker/image.ts';
import { DockerServer } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

const SCRIPT = `mkdir -p out/curves/empty; echo weights >out/model.bin; echo 12 >out/curves/.sum; ln -s .sum out/curves/link
  mkfifo out/curves/pipe; ln -s $PWD/out/model.bin model; ln -s /etc/hostname away; ln -s none dangling; mkfifo pipe; head -c 5000 /dev/zero >big`;
const OUTPUTS = [
  { id: 'model', path: 'model', kind: 'model', description: 'What was learnt' },
  { id: 'curves', path: 'out/curves' },
  ...['away', 'dangling', 'pipe', 'big', 'none', 'etc'].map((id) => ({ id, path: id })),
];

requires('docker')('Outputs of a container', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on(DOCKER_HOST, { config: { RUNWIRE_MAX_ARTIFACT_BYTES: '4999' } });
  });
  afterAll(() => docker?.end());

  const bytesOf = (record: RunRecord, id: string): string =>
    artifactFile(docker.app.engine.directory(record.invocation.invocation_id), id);

  const expectAll = (record: RunRecord): void => {
    expect(record.status, JSON.stringify(record.result)).toBe('failed');
    const made = record.result?.artifacts.slice(2) ?? [];
    expect(made.map(({ artifact_id, kind, description }) => [artifact_id, kind, description])).toEqual([
      ['model', 'model', 'What was learnt'],
      ['curves', 'directory', 'out/curves'],
    ]);
    expect(readFileSync(bytesOf(record, 'model'), 'utf8')).toBe('weights\n');
    const tar = execFileSync('tar', ['tvf', bytesOf(record, 'curves')], { encoding: 'utf8' });
    expect(
      tar
        .trim()
        .split('\n')
        .map((line) => line.replace(/^(.).* \d\d:\d\d (.*)$/, '$1 $2')),
    ).toEqual(['- .sum', 'd empty/', 'l link -> .sum']);
    expect(record.result?.error_summary).toBe(
      'missing outputs: away (away: a symbolic link out of the directory), ' +
        'dangling (dangling: a symbolic link that leads nowhere), ' +
        `pipe (pipe: neither a file nor a directory${record.result?.error_summary?.includes('FIFO') ? ': a FIFO' : ''}), ` +
        'big (big: larger than 4999 bytes), none (none: does not exist), etc (etc: does not exist)',
    );
    expect(record.outcome?.exit_code).toBe(0);
    docker.nothingLeft(record);
  };

  test.each([
    ['in a mounted directory', {}],
    ['of one that has all in itself', { mount_workspace: false }],
    ['of one that has all in itself elsewhere', { mount_workspace: false, workdir: '/some/where' }],
  ])('%s are what they were there, the missing told by name', async (_name, spec) => {
    const record = await docker.shell(SCRIPT, spec, { options: { outputs: OUTPUTS, artifacts: ['model'] } });
    expectAll(record);
    const { root } = docker.app.engine.directory(record.invocation.invocation_id);
    expect(existsSync(join(root, 'outputs'))).toBe(false);
  });

  test.each([
    ['mounted', {}],
    ['copied', { mount_workspace: false }],
  ])('in a workspace that is %s are those of the workspace', async (_name, spec) => {
    const id = `w-${randomUUID().slice(0, 8)}`;
    await docker.app.workspaces.create({ workspace_id: id });
    const record = await docker.shell(SCRIPT, spec, {
      options: { outputs: OUTPUTS, workspace: id },
    });
    if ('mount_workspace' in spec) expect(record.outcome?.omitted.map(({ path }) => path)).toContain('pipe');
    expect(readFileSync(bytesOf(record, 'model'), 'utf8')).toBe('weights\n');
    expect(record.result?.error_summary).toContain('away (away: a symbolic link out of the directory)');
    expect(record.result?.error_summary).toContain('big (big: larger than 4999 bytes)');
  });

  test('nothing of the directory of a client is written over by what is brought', async () => {
    const root = mkdtempSync(join(tmpdir(), 'runwire-outputs-'));
    const server = await DockerServer.on(DOCKER_HOST, { config: { RUNWIRE_DOCKER_MOUNT_ROOTS: root } });
    try {
      const work = join(root, 'work');
      mkdirSync(work);
      writeFileSync(join(work, 'model'), 'of the client');
      const record = await server.shell(
        'echo other >model; ls',
        { mount_workspace: false },
        { working_directory: work, options: { outputs: [{ id: 'model', path: 'model' }] } },
      );
      expect(record.status, JSON.stringify(record.result)).toBe('succeeded');
      const file = artifactFile(server.app.engine.directory(record.invocation.invocation_id), 'model');
      expect(readFileSync(file, 'utf8')).toBe('other\n');
      expect(readFileSync(join(work, 'model'), 'utf8')).toBe('of the client');
      expect(readdirSync(work)).toEqual(['model']);
      // Nor is it taken for one of a container that left none.
      const never = await server.run(
        ['/no/such/program'],
        { mount_workspace: false },
        { working_directory: work, options: { outputs: [{ id: 'model', path: 'model' }] } },
      );
      expect(never.status).toBe('failed');
      expect(never.result?.artifacts.map(({ artifact_id }) => artifact_id)).not.toContain('model');
    } finally {
      await server.end();
      rmSync(root, { recursive: true, force: true });
    }
  });

  test('all that is brought has one bound, in bytes and names, and so many of what is left out are named', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-outputs-'));
    const runner = dockerRunner({
      config: { dataDir, dockerHost: DOCKER_HOST || null, dockerCertPath: null, dockerMountRoots: [] },
      places: new PrivatePlaces(dataDir),
      artifactCaps: { fileBytes: 1_000_000, totalBytes: 2_000_000, count: 100, entries: 1500 },
      secrets: new Map(),
    });
    await using server = buildEngine({ runners: [runner], dataDir });
    const script = `mkdir pipes many; i=0; while [ $i -lt 1600 ]; do i=$((i+1)); : >many/$i; done
      i=0; while [ $i -lt 1200 ]; do i=$((i+1)); echo pipes/$i; done | xargs mkfifo
      head -c 900000 /dev/zero >a; cp a b`;
    const outputs = ['many', 'pipes', 'a', 'b'].map((id) => ({ id, path: id, required: false }));
    const record = await server.run({
      ...{ runtime_kind: 'docker', command: ['sh', '-c', script] },
      options: { outputs, docker: { image: docker.image, mount_workspace: false } },
    });
    expect(record.status, JSON.stringify(record.result)).toBe('succeeded');
    expect(record.result?.artifacts.slice(2).map(({ artifact_id }) => artifact_id)).toEqual(['a', 'pipes']);
    const omitted = record.outcome?.omitted ?? [];
    expect(omitted.filter(({ path }) => !path.includes('/'))).toEqual([
      { path: 'many', reason: 'more than 1500 names are in it' },
      { path: 'b', reason: 'total of 2000000 bytes reached' },
    ]);
    expect(omitted.filter(({ reason }) => reason === 'a FIFO')).toHaveLength(1000);
  });
});
