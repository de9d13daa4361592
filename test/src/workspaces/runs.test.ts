import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, heldRunner, scripted } from '../../helpers/fake-runner.ts';

const newId = (what: string): string => `${what}-${randomUUID().slice(0, 8)}`;

const built = (work: (ctx: RunContext) => unknown = () => {}): TestEngine =>
  buildEngine({
    runners: [
      scripted(async (ctx) => {
        await work(ctx);
        return exited();
      }),
    ],
  });

test('what one run leaves in its workspace is what the next one finds', async () => {
  await using engine = built(({ workingDirectory, invocation: { metadata }, output }) => {
    const file = join(workingDirectory, 'log');
    if (metadata.write !== undefined) writeFileSync(file, metadata.write);
    output.write('stdout', readFileSync(file));
  });
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  const options = { workspace: id };
  await engine.run({ runtime_kind: 'scripted', metadata: { write: 'one' }, options });
  const { outcome } = await engine.run({ runtime_kind: 'scripted', options });
  expect(outcome?.stdout?.bytes).toBe(3);
  expect(outcome?.workspace).toEqual({ id, snapshots: { before: null, after: null }, bytes: 3 });
  expect(engine.workspaces.get(id)).toMatchObject({ state: 'ready', bytes: 3, files: 1 });
});

test('runs of a workspace go one after the other, as they came; those that are shared together', async () => {
  const held = heldRunner();
  await using engine = buildEngine({ runners: [held.runner] });
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => newId(name));
  const shared = [false, true, true, false, true];
  for (const [at, name] of names.entries())
    await engine.post({
      runtime_kind: 'held',
      invocation_id: name,
      options: { workspace: { id, shared: shared[at] } },
    });
  await expect.poll(() => held.started).toEqual(names.slice(0, 1));
  const waits = async (name = '') =>
    (await engine.get(`/invocations/${name}`)).json().waiting as Record<string, unknown>;
  expect(await waits(names[1])).toEqual({ reason: 'workspace', place: 1, holders: [names[0]] });
  expect(await waits(names[4])).toEqual({ reason: 'workspace', place: 4, holders: [names[0]] });
  expect(engine.workspaces.runsOf(id)).toEqual(names);
  expect(engine.workspaces.get(id).runs).toEqual({ running: 1, queued: 4 });
  expect(engine.engine.numbers().waiting.workspace).toBe(4);
  held.release(names[0] ?? '');
  await expect.poll(() => held.started).toEqual(names.slice(0, 3));
  held.release(names[1] ?? '');
  await engine.engine.waitFinished(names[1] ?? '', 10_000);
  expect(held.started).toEqual(names.slice(0, 3));
  held.release(names[2] ?? '');
  await expect.poll(() => held.started).toEqual(names.slice(0, 4));
  expect((await waits(names[4])).holders).toEqual([names[3]]);
  held.release(names[3] ?? '');
  await expect.poll(() => held.started).toEqual(names);
  held.release(names[4] ?? '');
  await engine.engine.waitFinished(names[4] ?? '', 10_000);
  expect(engine.workspaces.runsOf(id)).toEqual([]);
});

test('a workspace that is not there, or was removed, is told by name, and no run is stored', async () => {
  await using engine = built();
  const id = newId('w');
  const refusal = async () => {
    const response = await engine.post({ runtime_kind: 'scripted', options: { workspace: id } });
    expect(response.statusCode).toBe(422);
    return response.json().errors as object;
  };
  expect(await refusal()).toEqual([{ path: 'options.workspace', message: `there is no workspace ${id}` }]);
  await engine.workspaces.create({ workspace_id: id });
  await engine.workspaces.remove(id);
  expect(await refusal()).toEqual([
    { path: 'options.workspace', message: `the workspace ${id} was removed` },
  ]);
  expect(engine.store.counts()).toMatchObject({ pending: 0, running: 0, failed: 0, succeeded: 0 });
});

test('paths of a run stay in its workspace, as they are written', async () => {
  await using engine = built();
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  const fields = {
    working_directory: '../elsewhere',
    artifact_directory: '/tmp/kept',
    input_payload_path: 'a/../../b',
    output_result_path: '..',
  };
  const response = await engine.post({ runtime_kind: 'scripted', options: { workspace: id }, ...fields });
  expect(response.statusCode).toBe(422);
  const errors = response.json().errors as { path: string }[];
  expect(errors.map(({ path }) => path)).toEqual(Object.keys(fields));
});

test('links that an earlier run left lead the paths of the next one nowhere', async () => {
  await using engine = built(() => {});
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  const { root } = engine.workspaces.tree(id);
  mkdirSync(join(root, 'real'));
  symlinkSync('/tmp', join(root, 'out'));
  symlinkSync('real', join(root, 'in'));
  symlinkSync('/etc/hostname', join(root, 'name'));
  const run = async (fields: object) => {
    const { status, result } = await engine.run({
      runtime_kind: 'scripted',
      options: { workspace: id },
      ...fields,
    });
    return `${status}: ${result?.error_summary}`;
  };
  expect(await run({ working_directory: 'out' })).toContain(
    'rejected: working_directory: a symbolic link leads out',
  );
  expect(await run({ artifact_directory: 'out/kept' })).toContain(
    'rejected: artifact_directory: a symbolic link',
  );
  expect(await run({ input_payload_path: 'name' })).toContain(
    'rejected: input_payload_path: a symbolic link',
  );
  expect(await run({ output_result_path: 'out/result.json' })).toContain('a symbolic link leads out');
  expect(await run({ working_directory: 'none' })).toContain('working directory does not exist');
  expect(await run({ working_directory: 'in', output_result_path: 'result.json' })).toBe('succeeded: null');
  expect(JSON.parse(readFileSync(join(root, 'real/result.json'), 'utf8'))).toMatchObject({
    status: 'succeeded',
  });
});

test('a run that has no workspace, or another one, does not get at its files', async () => {
  await using engine = built();
  const [id, other] = [newId('w'), newId('w')];
  await engine.workspaces.create({ workspace_id: id });
  await engine.workspaces.create({ workspace_id: other });
  const { root } = engine.workspaces.tree(id);
  mkdirSync(join(root, 'sub'));
  await engine.run({ runtime_kind: 'scripted', working_directory: 'sub', options: { workspace: id } });
  const { status, result } = await engine.run({
    runtime_kind: 'scripted',
    working_directory: join(root, 'sub'),
  });
  expect(`${status}: ${result?.error_summary}`).toContain('rejected: working_directory leads to the data');
});
