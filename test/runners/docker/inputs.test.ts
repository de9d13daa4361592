import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { artifactFile } from '../../../src/disk/run-directory.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { DOCKER_HOST } from '../../helpers/docker/image.ts';
import { DockerServer, stdout } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

const newId = (name: string): string => `${name}-${randomUUID().slice(0, 8)}`;

requires('docker')('Inputs of a container', () => {
  let root: string;
  let docker: DockerServer;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'runwire-inputs-'));
    docker = await DockerServer.on(DOCKER_HOST, {
      config: { RUNWIRE_MAX_CONCURRENT: '1', RUNWIRE_DOCKER_MOUNT_ROOTS: root },
    });
  });
  afterAll(async () => {
    await docker?.end();
    rmSync(root, { recursive: true, force: true });
  });

  /** A run that has left a model and curves behind. */
  const made = async (): Promise<string> => {
    const outputs = ['model', 'curves'].map((id) => ({ id, path: id }));
    const script =
      'printf weights >model; mkdir -p curves/deep; echo 12 >curves/deep/sum; chmod 700 curves/deep';
    const record = await docker.shell(script, {}, { invocation_id: newId('train'), options: { outputs } });
    expect(record.status, JSON.stringify(record.result)).toBe('succeeded');
    return record.invocation.invocation_id;
  };
  const ofRun = (invocation_id: string, artifact_id: string) => ({
    artifact: { invocation_id, artifact_id },
  });
  const takes = (inputs: object[], more: object = {}) => ({ options: { template: true, inputs, ...more } });
  const told = (record: RunRecord): string => {
    expect(record.result?.error_summary ?? '').toBe('');
    return stdout(record).toString();
  };
  const LOOK = 'echo ${model} ${curves}; cat ${model}; cat ${curves}/deep/sum ${text}';
  const inputsOf = (run: string) => [
    { id: 'model', ...ofRun(run, 'model') },
    { id: 'curves', ...ofRun(run, 'curves'), extract: true },
    { id: 'text', text: 'words\n' },
  ];
  const SEEN = '/inputs/model/model /inputs/curves\nweights12\nwords\n';

  test.each([
    ['with its directory mounted', {}],
    ['with all in itself', { mount_workspace: false }],
    ['with a root that is read-only', { read_only: true }],
    ['of another user', { user: '12345' }],
  ])('are there for a container %s', async (_name, spec) => {
    const run = await made();
    const record = await docker.shell(LOOK, spec, takes(inputsOf(run)));
    expect(told(record)).toBe(SEEN);
    docker.nothingLeft(record);
  });

  test('are there in the container of a session, and gone for the next run in it', async () => {
    const run = await made();
    const session_id = newId('s');
    const payload = { session_id, runtime_kind: 'docker', options: { docker: { image: docker.image } } };
    const answer = await docker.post('/sessions?wait=60', payload);
    expect(answer.json().state, answer.body).toBe('ready');
    const invoke = async (script: string, options: object) => {
      const body = { command: ['sh', '-c', script], options: { session: session_id, ...options } };
      return (await docker.post('/invocations?wait=50', body)).json() as RunRecord;
    };
    const outputs = [{ id: 'seen', path: 'seen' }];
    const record = await invoke(`(${LOOK}) | tee seen`, { template: true, inputs: inputsOf(run), outputs });
    expect(told(record)).toBe(SEEN);
    expect(record.result?.artifacts.map(({ artifact_id }) => artifact_id)).toContain('seen');
    expect(told(await invoke('cat /inputs/model/model 2>/dev/null || echo nothing', {}))).not.toContain(
      'weights',
    );
    await docker.app.app.inject({ method: 'DELETE', url: `/sessions/${session_id}` });
  });

  test('that are files of the machine are seen where they are mounted, and else put in', async () => {
    const work = join(root, 'work');
    mkdirSync(work);
    writeFileSync(join(work, 'in.txt'), 'mounted\n');
    writeFileSync(join(root, 'other.txt'), 'copied\n');
    const inputs = [
      { id: 'here', file: 'in.txt' },
      { id: 'other', file: join(root, 'other.txt') },
    ];
    const record = await docker.shell(
      'echo ${here} ${other}; cat ${here} ${other}',
      {},
      {
        working_directory: work,
        ...takes(inputs),
      },
    );
    expect(told(record)).toBe('/workspace/in.txt /inputs/other/other.txt\nmounted\ncopied\n');
  });

  test('that are gone when the run begins have it rejected by name, and no container is left', async () => {
    const run = await made();
    const holder = await docker.start('sleep 60');
    const waiting = await docker.start('echo begun; cat ${model}', {}, takes(inputsOf(run).slice(0, 1)));
    const removed = await docker.app.app.inject({ method: 'DELETE', url: `/invocations/${run}` });
    expect(removed.statusCode).toBe(204);
    await docker.post(`/invocations/${holder}/cancel`, { grace_seconds: 0 });
    const record = await docker.finished(waiting);
    expect([record.status, record.result?.error_summary]).toEqual([
      'rejected',
      expect.stringMatching(new RegExp(`^input model: The invocation ${run} was deleted at `)),
    ]);
    expect(record.outcome).toMatchObject({ started: false, retry_safe: true });
    await docker.gone(waiting);
  });

  test('that were changed since have it rejected by name too, though that is seen at their end', async () => {
    const run = await made();
    writeFileSync(artifactFile(docker.app.engine.directory(run), 'model'), 'WEIGHTS');
    const record = await docker.shell('echo begun', {}, takes(inputsOf(run).slice(0, 1)));
    expect([record.status, record.result?.error_summary]).toEqual([
      'rejected',
      `input model: model of ${run} was changed since it was kept`,
    ]);
    docker.nothingLeft(record);
  });
});
