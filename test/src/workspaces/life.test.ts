import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { RunwireError } from '../../../src/documents/errors.ts';
import { newFacts } from '../../../src/workspaces/workspace-facts.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, heldRunner, scripted } from '../../helpers/fake-runner.ts';
import { givenFiles } from '../../helpers/given-files.ts';
import { requires } from '../../helpers/require.ts';

const newId = (what = 'w'): string => `${what}-${randomUUID().slice(0, 8)}`;

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof RunwireError ? error.code : String(error)),
  );

/** What is in a workspace, by path; directories end with a slash. */
function files({ workspaces }: TestEngine, id: string): Record<string, string> {
  const { root } = workspaces.tree(id);
  const all = readdirSync(root, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1);
    return entry.isDirectory() ? [`${name}/`, ''] : [name, readFileSync(path, 'utf8')];
  });
  return Object.fromEntries(all.sort());
}

const names = ({ dataDir }: TestEngine, place: string): string[] => readdirSync(join(dataDir, place));

async function made(engine: TestEngine, sent: Record<string, string>, more: object = {}): Promise<string> {
  const id = newId();
  await engine.workspaces.create({ workspace_id: id, ...more }, await givenFiles(engine.dataDir, sent));
  return id;
}

test('the same id and body make one workspace, another body is a conflict; files are part of it', async () => {
  await using engine = buildEngine();
  const { workspaces, dataDir } = engine;
  const input = { workspace_id: newId(), metadata: { a: '1', b: '2' } };
  const first = await workspaces.create(input, await givenFiles(dataDir, { f: 'x' }));
  expect(first).toMatchObject({ replayed: false, workspace: { state: 'ready', bytes: 1, files: 1 } });
  const again = { metadata: { b: '2', a: '1' }, workspace_id: input.workspace_id };
  expect(await workspaces.create(again, await givenFiles(dataDir, { f: 'x' }))).toEqual({
    ...first,
    replayed: true,
  });
  expect(await codeOf(workspaces.create(input, await givenFiles(dataDir, { f: 'y' })))).toBe(
    'workspace_conflict',
  );
  expect(await codeOf(workspaces.create(input))).toBe('workspace_conflict');
  await expect(workspaces.create(input)).rejects.toThrow('delete it first, or send another workspace_id');
  const one = await workspaces.create({});
  const other = await workspaces.create({});
  expect(one.workspace.workspace_id).not.toBe(other.workspace.workspace_id);
  expect(workspaces.list({ limit: 2 }).items).toEqual([other.workspace, one.workspace]);
  const { next_cursor: cursor } = workspaces.list({ limit: 2 });
  expect(workspaces.list({ limit: 2, cursor: cursor ?? '' })).toEqual({
    items: [first.workspace],
    next_cursor: null,
  });
});

test('one is made of a snapshot, of another workspace, and of the directory of a run, and files come last', async () => {
  const run = scripted(async ({ workingDirectory }) => {
    writeFileSync(join(workingDirectory, 'made'), 'by a run');
    return exited();
  });
  await using engine = buildEngine({ runners: [run] });
  const { workspaces } = engine;
  const source = await made(engine, { 'a/b': '1', c: '2' });
  expect(workspaces.get(source).base_snapshot).toBe(`${source}.base`);
  const { snapshot } = await workspaces.snapshot(source, {});
  const ofRun = newId('run');
  await engine.run({ runtime_kind: 'scripted', invocation_id: ofRun });
  const inWorkspace = newId('run');
  await engine.run({ runtime_kind: 'scripted', invocation_id: inWorkspace, options: { workspace: source } });

  const filled = async (from: object, sent?: Record<string, string>) => {
    const id = newId();
    await workspaces.create({ workspace_id: id, from }, sent && (await givenFiles(engine.dataDir, sent)));
    expect(await workspaces.filled(id, 20_000)).toBe(true);
    expect(workspaces.get(id)).toMatchObject({ state: 'ready', reason: null });
    return id;
  };
  const ofSnapshot = await filled({ snapshot: snapshot.snapshot_id });
  expect(files(engine, ofSnapshot)).toEqual({ 'a/': '', 'a/b': '1', c: '2' });
  expect(workspaces.get(ofSnapshot).base_snapshot).toBe(snapshot.snapshot_id);
  const changed = await filled({ snapshot: snapshot.snapshot_id }, { c: 'new', 'd/e': '' });
  expect(files(engine, changed)).toEqual({ 'a/': '', 'a/b': '1', c: 'new', 'd/': '', 'd/e': '' });
  expect(workspaces.get(changed).base_snapshot).toBe(`${changed}.base`);
  const all = { 'a/': '', 'a/b': '1', c: '2', made: 'by a run' };
  expect(files(engine, await filled({ workspace: source }))).toEqual(all);
  expect(files(engine, await filled({ invocation: ofRun }))).toEqual({ made: 'by a run' });
  expect(files(engine, await filled({ invocation: inWorkspace }))).toEqual(all);
});

test.each([
  ['snapshot', 'none', 'from.snapshot'],
  ['workspace', 'none', 'from.workspace'],
  ['invocation', 'none', 'from.invocation'],
  ['git', { url: 'https://example.com/r.git' }, 'from.git'],
])('a source that is not there is told by name: %s', async (name, value, path) => {
  await using engine = buildEngine();
  const error = await engine.workspaces.create({ from: { [name]: value } }).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'invalid_field', errors: [{ path }] });
  expect(names(engine, 'workspaces')).toEqual([]);
});

test('a git source that fails is its reason, and it can be deleted; runs of it are refused', async () => {
  await using engine = buildEngine({
    git: (_, directory) => {
      writeFileSync(join(directory, 'half'), '');
      return Promise.reject(new Error('there is no such branch'));
    },
  });
  const { workspaces } = engine;
  const id = newId();
  await workspaces.create({ workspace_id: id, from: { git: { url: 'https://example.com/r.git' } } });
  const waiting = await engine.post({
    runtime_kind: 'fake',
    invocation_id: newId('run'),
    options: { workspace: id },
  });
  expect(await workspaces.filled(id, 20_000)).toBe(true);
  expect(workspaces.get(id)).toMatchObject({ state: 'failed', reason: 'there is no such branch' });
  if (waiting.statusCode === 202) {
    const { invocation } = waiting.json();
    await engine.engine.waitFinished(invocation.invocation_id, 20_000);
    const { status, outcome, result } = engine.engine.record(invocation.invocation_id);
    expect(`${status} ${outcome?.ended} ${result?.error_summary}`).toContain(
      'failed never_started the workspace',
    );
  }
  const late = await engine.post({ runtime_kind: 'fake', options: { workspace: id } });
  expect([late.statusCode, late.json()]).toMatchObject([
    409,
    { code: 'workspace_failed', detail: expect.stringContaining('delete it and make it again') },
  ]);
  expect(() => workspaces.tree(id)).toThrow('there is no such branch');
  await workspaces.remove(id);
  await expect.poll(() => names(engine, 'discarded-workspaces')).toEqual([]);
  expect(names(engine, 'workspaces')).toEqual([]);
});

test('a run waits until its workspace is filled', async () => {
  const gate = Promise.withResolvers<void>();
  const held = heldRunner();
  await using engine = buildEngine({ runners: [held.runner], git: () => gate.promise });
  const id = newId();
  const { workspace } = await engine.workspaces.create({
    workspace_id: id,
    from: { git: { url: 'https://example.com/r.git' } },
  });
  expect(workspace.state).toBe('filling');
  const run = newId('run');
  await engine.post({ runtime_kind: 'held', invocation_id: run, options: { workspace: id } });
  expect(engine.engine.record(run).waiting).toEqual({ reason: 'workspace', place: 1, holders: [] });
  expect(await engine.workspaces.filled(id, 10)).toBe(false);
  expect(() => engine.workspaces.tree(id)).toThrow('is being filled');
  gate.resolve();
  await expect.poll(() => held.started).toEqual([run]);
});

test('reset goes back to what it began with, restore to any snapshot, and overlay leaves what else is there', async () => {
  await using engine = buildEngine();
  const { workspaces } = engine;
  const id = await made(engine, { a: '1', 'b/c': '2' });
  const { root } = workspaces.tree(id);
  writeFileSync(join(root, 'a'), 'changed');
  rmSync(join(root, 'b'), { recursive: true });
  writeFileSync(join(root, 'new'), '3');
  const { snapshot } = await workspaces.snapshot(id, { snapshot_id: newId('s') });
  expect(await workspaces.reset(id)).toMatchObject({ state: 'ready', bytes: 2, files: 2 });
  expect(files(engine, id)).toEqual({ a: '1', 'b/': '', 'b/c': '2' });
  await workspaces.restore(id, { snapshot_id: snapshot.snapshot_id, mode: 'overlay' });
  expect(files(engine, id)).toEqual({ a: 'changed', 'b/': '', 'b/c': '2', new: '3' });
  await workspaces.restore(id, { snapshot_id: snapshot.snapshot_id, mode: 'exact' });
  expect(files(engine, id)).toEqual({ a: 'changed', new: '3' });
  const empty = newId();
  await workspaces.create({ workspace_id: empty });
  expect(workspaces.get(empty).base_snapshot).toBeNull();
  writeFileSync(join(workspaces.tree(empty).root, 'x'), 'y');
  await workspaces.reset(empty);
  expect(files(engine, empty)).toEqual({});
});

test('snapshots are answered again, outlive their workspace, and are gone when they are removed', async () => {
  await using engine = buildEngine();
  const { workspaces } = engine;
  const { snapshots } = workspaces;
  const id = await made(engine, { a: '1' });
  const input = { snapshot_id: newId('s'), metadata: { by: 'me' } };
  const first = await workspaces.snapshot(id, input);
  writeFileSync(join(workspaces.tree(id).root, 'a'), 'changed');
  expect(await workspaces.snapshot(id, input)).toEqual({ ...first, replayed: true });
  expect(await codeOf(workspaces.snapshot(id, { ...input, ignore: ['a'] }))).toBe('snapshot_conflict');
  const other = await made(engine, { a: '1' });
  expect(await codeOf(workspaces.snapshot(other, input))).toBe('snapshot_conflict');
  await expect(workspaces.snapshot(other, input)).rejects.toThrow('of this workspace or of any other');
  expect(snapshots.get(`${other}.base`).digest).toBe(first.snapshot.digest);
  await workspaces.remove(id);
  expect(snapshots.list({ limit: 9, workspaceId: id }).items.map((one) => one.snapshot_id)).toEqual([
    input.snapshot_id,
    `${id}.base`,
  ]);
  const listed: string[] = [];
  for await (const { path } of snapshots.entries(input.snapshot_id)) listed.push(path);
  expect(listed).toEqual(['a']);
  expect(await snapshots.find(input.snapshot_id, ['a'])).toMatchObject({ type: 'file' });
  expect(await snapshots.find(input.snapshot_id, ['b'])).toBeNull();
  await snapshots.remove(input.snapshot_id);
  expect(() => snapshots.get(input.snapshot_id)).toThrow('was deleted at');
  expect(() => snapshots.get('never')).toThrow('There is no snapshot never');
  // The id of the base of the earlier one is taken.
  await workspaces.create({ workspace_id: id }, await givenFiles(engine.dataDir, { z: '' }));
  expect(workspaces.get(id).base_snapshot).toMatch(new RegExp(`^${id}\\.base\\.[0-9a-z]+$`));
});

test('while a run is in it, it is neither removed, restored, copied nor taken, unless that is said', async () => {
  const held = heldRunner();
  await using engine = buildEngine({ runners: [held.runner] });
  const { workspaces } = engine;
  const id = await made(engine, { a: '1' });
  const run = newId('run');
  await engine.post({ runtime_kind: 'held', invocation_id: run, options: { workspace: id } });
  await expect.poll(() => held.started).toEqual([run]);
  for (const work of [
    workspaces.remove(id),
    workspaces.reset(id),
    workspaces.snapshot(id, {}),
    workspaces.create({ from: { workspace: id } }),
    workspaces.create({ from: { invocation: run } }),
  ])
    expect(await codeOf(work)).toBe('workspace_busy');
  expect(await codeOf(workspaces.snapshot(id, {}, { whileRunning: true }))).toBe('done');
  expect(
    await codeOf(workspaces.changing(id, async ({ root }) => writeFileSync(join(root, 'b'), '22'))),
  ).toBe('done');
  expect(workspaces.get(id)).toMatchObject({ bytes: 3, files: 2 });
  held.release(run);
  await engine.engine.waitFinished(run, 20_000);
  expect(await codeOf(workspaces.reset(id))).toBe('done');
  expect(await codeOf(workspaces.remove(id))).toBe('done');
  expect(() => workspaces.get(id)).toThrow('was deleted at');
  expect(await codeOf(workspaces.remove(id))).toBe('workspace_removed');
  expect(() => workspaces.get('never')).toThrow('There is no workspace never');
});

test('one that was not used for its time is removed, not while it is read or has a run', async () => {
  const held = heldRunner();
  await using engine = buildEngine({ runners: [held.runner] });
  const { workspaces } = engine;
  const id = await made(engine, { a: '1' }, { ttl_seconds: 0.05 });
  const reading = Promise.withResolvers<void>();
  const read = workspaces.reading(id, () => reading.promise);
  const used = await made(engine, { a: '1' }, { ttl_seconds: 0.05 });
  const run = newId('run');
  await engine.post({ runtime_kind: 'held', invocation_id: run, options: { workspace: used } });
  const idle = await made(engine, { a: '1' }, { ttl_seconds: 0.05 });
  const expired = (which: string): boolean => engine.store.workspaces.removed(which)?.reason === 'expired';
  await expect.poll(() => expired(idle), { timeout: 20_000 }).toBe(true);
  expect(() => workspaces.get(idle)).toThrow('was not used for its ttl_seconds');
  expect([expired(id), expired(used)]).toEqual([false, false]);
  reading.resolve();
  await read;
  held.release(run);
  await expect.poll(() => expired(id) && expired(used), { timeout: 20_000 }).toBe(true);
  await expect.poll(() => names(engine, 'workspaces')).toEqual([]);
});

test('the files of a run are those of its workspace, which stays while they are read', async () => {
  const run = scripted(async ({ workingDirectory }) => {
    writeFileSync(join(workingDirectory, 'made'), 'by a run');
    return exited();
  });
  await using engine = buildEngine({ runners: [run] });
  const id = await made(engine, { a: '1' }, { ttl_seconds: 2 });
  const invocation_id = newId('run');
  await engine.run({ runtime_kind: 'scripted', invocation_id, options: { workspace: id } });
  const reading = Promise.withResolvers<void>();
  const read = engine.engine.readingFiles(invocation_id, () => reading.promise);
  const idle = await made(engine, {}, { ttl_seconds: 2 });
  const expired = (which: string): boolean => engine.store.workspaces.removed(which) !== undefined;
  await expect.poll(() => expired(idle), { timeout: 20_000 }).toBe(true);
  expect(expired(id)).toBe(false);
  const listed = await engine.get(`/invocations/${invocation_id}/files`);
  expect(listed.json().items.map(({ path }: { path: string }) => path)).toEqual(['a', 'made']);
  reading.resolve();
  await read;
  await expect.poll(() => expired(id), { timeout: 20_000 }).toBe(true);
  expect((await engine.get(`/invocations/${invocation_id}/files`)).statusCode).toBe(410);
});

test('a workspace of many files is counted a little later, and what has come counts meanwhile', async () => {
  await using engine = buildEngine();
  const { workspaces } = engine;
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`f${n}`, '']));
  const id = await made(engine, many, { max_bytes: 100 });
  const put = (name: string, bytes: number): Promise<void> =>
    workspaces.changing(id, async ({ root, take }) => {
      await take(bytes);
      writeFileSync(join(root, name), 'x'.repeat(bytes));
    });
  await put('a', 0);
  expect(workspaces.get(id)).toMatchObject({ files: 1001, bytes: 0 });
  await put('b', 90);
  expect(workspaces.get(id)).toMatchObject({ files: 1001, bytes: 0 });
  // It may be that what has come was replaced meanwhile: that is looked at before anything is refused.
  expect(await codeOf(put('c', 11))).toBe('workspace_full');
  expect(await codeOf(put('c', 10))).toBe('done');
  await expect.poll(() => workspaces.get(id)).toMatchObject({ files: 1003, bytes: 100 });
  expect(await codeOf(put('d', 1))).toBe('workspace_full');
});

test('a disk with less free than it must have takes nothing into a workspace, and lets things out', async () => {
  const shortage = vi.fn(() => null as string | null);
  await using engine = buildEngine({ disk: { shortage, failed: () => {}, spendReserve: () => {} } });
  const { workspaces } = engine;
  const id = await made(engine, { a: '1' });
  shortage.mockReturnValue('there is not enough disk space');
  expect(await codeOf(workspaces.changing(id, ({ take }) => take(1)))).toBe('insufficient_storage');
  expect(await codeOf(workspaces.changing(id, async ({ root }) => rmSync(join(root, 'a'))))).toBe('done');
  expect(workspaces.get(id).files).toBe(0);
});

test('what has more bytes than it may have starts no run, and takes no more', async () => {
  const run = scripted(async ({ workingDirectory, invocation }) => {
    writeFileSync(join(workingDirectory, 'big'), 'x'.repeat(Number(invocation.metadata.bytes)));
    return exited();
  });
  await using engine = buildEngine({ runners: [run] });
  const id = await made(engine, { a: '1' }, { max_bytes: 100 });
  const options = { workspace: id };
  const first = await engine.run({ runtime_kind: 'scripted', metadata: { bytes: '200' }, options });
  expect([first.status, first.outcome?.workspace?.bytes]).toEqual(['succeeded', 201]);
  const second = await engine.run({ runtime_kind: 'scripted', metadata: { bytes: '1' }, options });
  expect([second.status, second.outcome?.ended, second.outcome?.retry_safe]).toEqual([
    'failed',
    'never_started',
    true,
  ]);
  expect(second.result?.error_summary).toContain('has 201 bytes, and at most 100 are allowed (max_bytes)');
  await expect(engine.workspaces.changing(id, ({ take }) => take(1))).rejects.toMatchObject({
    code: 'workspace_full',
    message: expect.stringContaining('room for 0 bytes more'),
  });
});

test('snapshots around a run have ids of their own, also when it fails', async () => {
  const run = scripted(async ({ workingDirectory, invocation }) => {
    writeFileSync(join(workingDirectory, invocation.invocation_id), '');
    return exited(Number(invocation.metadata.code ?? 0));
  });
  await using engine = buildEngine({ runners: [run] });
  const { workspaces } = engine;
  const id = await made(engine, { a: '1' });
  const go = (invocation: object) =>
    engine.run({ runtime_kind: 'scripted', options: { workspace: { id, snapshot: 'both' } }, ...invocation });
  const name = newId('run');
  const first = await go({ invocation_id: name, metadata: { code: '3' } });
  expect(first.status).toBe('failed');
  expect(first.outcome?.workspace?.snapshots).toEqual({ before: `${name}.before`, after: `${name}.after` });
  const before = workspaces.snapshots.get(`${name}.before`);
  expect(before).toMatchObject({ files: 1, workspace_id: id, metadata: { invocation_id: name } });
  expect(workspaces.snapshots.get(`${name}.after`).files).toBe(2);
  // One of the same id comes later; ids that are no names of snapshots have one all the same.
  await engine.engine.remove(name);
  const second = await go({ invocation_id: name });
  expect(second.outcome?.workspace?.snapshots.before).toMatch(new RegExp(`^${name}\\.before\\.[0-9a-z]+$`));
  const odd = await go({ invocation_id: `Ödd_${name}` });
  expect(odd.outcome?.workspace?.snapshots.after).toMatch(/^h[0-9a-f]{64}\.after$/);
  expect(existsSync(join(engine.dataDir, 'contents'))).toBe(true);
});

test('what is in snapshots around a run is said with them', async () => {
  const run = scripted(async ({ workingDirectory }) => {
    for (const name of ['b.o', 'c.txt']) writeFileSync(join(workingDirectory, name), '');
    return exited();
  });
  await using engine = buildEngine({ runners: [run] });
  const id = await made(engine, { 'a.txt': '1', 'a.o': '2' });
  const names = async (filter: object): Promise<string[][]> => {
    const { outcome } = await engine.run({
      runtime_kind: 'scripted',
      options: { workspace: { id, snapshot: 'both', ...filter } },
    });
    const { before, after } = outcome?.workspace?.snapshots ?? {};
    const all = [before, after].map(async (shot) => {
      const found: string[] = [];
      for await (const { path } of engine.workspaces.snapshots.entries(shot ?? '')) found.push(path);
      return found.sort();
    });
    return Promise.all(all);
  };
  expect(await names({ keep: ['*.o'] })).toEqual([['a.o'], ['a.o', 'b.o']]);
  expect(await names({ ignore: ['*.o'] })).toEqual([
    ['a.txt', 'c.txt'],
    ['a.txt', 'c.txt'],
  ]);
});

test('the next server completes what was begun: filling and restoring; removes what has no record', async () => {
  let dataDir = '';
  const id = newId();
  const restored = newId();
  {
    const engine = buildEngine({
      git: (_, __, signal) => once(signal, 'abort').then(() => signal.throwIfAborted()),
    });
    await engine.workspaces.create({ workspace_id: restored }, await givenFiles(engine.dataDir, { a: '1' }));
    const { digest } = engine.workspaces.snapshots.get(`${restored}.base`);
    writeFileSync(join(engine.workspaces.tree(restored).root, 'b'), '2');
    await engine.workspaces.create(
      { workspace_id: id, from: { git: { url: 'https://example.com/r.git' } } },
      await givenFiles(engine.dataDir, { sent: 'x' }),
    );
    const intent = { snapshot_id: `${restored}.base`, digest, mode: 'exact' };
    engine.store.workspaces.change(restored, { state: 'restoring', restoring: JSON.stringify(intent) });
    await engine.store.committed();
    mkdirSync(join(engine.dataDir, 'workspaces/nobodys/tree'), { recursive: true });
    dataDir = await engine.crash();
  }
  await using engine = buildEngine({
    dataDir,
    git: async (_, directory) => writeFileSync(join(directory, 'cloned'), ''),
  });
  const { workspaces } = engine;
  expect(await workspaces.filled(id, 20_000)).toBe(true);
  expect(files(engine, id)).toEqual({ cloned: '', sent: 'x' });
  await expect.poll(() => workspaces.get(restored).state).toBe('ready');
  await expect
    .poll(() => codeOf(workspaces.reading(restored, async () => files(engine, restored))))
    .toBe('done');
  expect(files(engine, restored)).toEqual({ a: '1' });
  expect(names(engine, 'workspaces').sort()).toEqual([id, restored].sort());
});

test('a restore that was begun is tried again until it is done, and nothing uses the workspace before', async () => {
  await using engine = buildEngine();
  const { workspaces } = engine;
  const id = await made(engine, { a: '1' });
  const { root } = workspaces.tree(id);
  writeFileSync(join(root, 'a'), 'changed');
  // What a restore is made of is missing, from the moment in which it is begun.
  const contents = join(engine.dataDir, 'contents');
  const away = `${contents}-away`;
  const change = engine.store.workspaces.change.bind(engine.store.workspaces);
  const beside = join(root, '../beside/restore/staged');
  let failed = false;
  let removing: Promise<string> | null = null;
  engine.store.workspaces.change = (which, facts) => {
    if (facts.state === 'restoring' && !failed) {
      failed = true;
      removing = codeOf(workspaces.remove(id));
      renameSync(contents, away);
      rmSync(beside, { recursive: true });
    }
    return change(which, facts);
  };
  expect(await codeOf(workspaces.reset(id))).not.toBe('done');
  expect(workspaces.get(id).state).toBe('restoring');
  expect(() => workspaces.tree(id)).toThrow('is being restored');
  expect(await removing).toBe('workspace_busy');
  await engine.post({ runtime_kind: 'fake', invocation_id: `run-${id}`, options: { workspace: id } });
  expect(engine.engine.record(`run-${id}`).waiting?.reason).toBe('workspace');
  rmSync(contents, { recursive: true, force: true });
  renameSync(away, contents);
  expect(await engine.engine.waitFinished(`run-${id}`, 20_000)).toBe(true);
  expect(workspaces.get(id).state).toBe('ready');
  expect(files(engine, id)).toEqual({ a: '1' });
});

test('a link that a program put in the place of the tree is neither taken, restored nor read', async () => {
  await using engine = buildEngine();
  const { workspaces } = engine;
  const id = await made(engine, { a: '1' });
  const { root } = workspaces.tree(id);
  const outside = join(engine.dataDir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), '');
  renameSync(root, `${root}-away`);
  symlinkSync(outside, root);
  expect(await codeOf(workspaces.snapshot(id, {}))).not.toBe('done');
  expect(await codeOf(workspaces.reset(id))).not.toBe('done');
  expect(await codeOf(workspaces.create({ from: { workspace: id } }))).toBe('done');
  const [copy = ''] = workspaces.list({ limit: 1 }).items.map((one) => one.workspace_id);
  await workspaces.filled(copy, 20_000);
  expect(workspaces.get(copy).state).toBe('failed');
  expect(readdirSync(outside)).toEqual(['precious']);
  await workspaces.remove(id);
  expect(readdirSync(outside)).toEqual(['precious']);
});

test('where files cannot be taken away a workspace is gone all the same, and a server starts', async () => {
  let dataDir = '';
  const id = newId();
  {
    const engine = buildEngine();
    await made(engine, { a: '1' }, { workspace_id: id });
    writeFileSync(join(engine.dataDir, 'discarded-workspaces'), 'in the way');
    expect(await codeOf(engine.workspaces.remove(id))).toBe('done');
    expect(() => engine.workspaces.get(id)).toThrow('was deleted at');
    expect(names(engine, 'workspaces')).toEqual([id]);
    dataDir = await engine.crash();
  }
  {
    await using engine = buildEngine({ dataDir });
    expect(names(engine, 'workspaces')).toEqual([id]);
    rmSync(join(dataDir, 'discarded-workspaces'));
    await engine.workspaces.create({ workspace_id: id });
    expect(files(engine, id)).toEqual({});
  }
});

requires('immutable')('What cannot be changed', () => {
  test('keeps a restore from its end: that is told, it is tried again, and the workspace can be deleted', async () => {
    await using engine = buildEngine();
    const { workspaces } = engine;
    const restore = async (id: string): Promise<string> => {
      const { snapshot_id } = (await workspaces.snapshot(id, {})).snapshot;
      mkdirSync(join(workspaces.tree(id).root, 'd'));
      writeFileSync(join(workspaces.tree(id).root, 'd/kept'), 'x');
      spawnSync('chattr', ['+i', join(workspaces.tree(id).root, 'd/kept')]);
      return codeOf(workspaces.restore(id, { snapshot_id, mode: 'exact' }));
    };
    const free = (place: string) => spawnSync('chattr', ['-R', '-i', join(engine.dataDir, place)]);
    const [id, other] = [await made(engine, { f: '1' }), await made(engine, { f: '2' })];
    try {
      expect(await restore(id)).toBe('file_conflict');
      expect(workspaces.get(id).state).toBe('restoring');
      free('workspaces');
      await vi.waitFor(() => expect(workspaces.get(id).state).toBe('ready'), { timeout: 20_000 });
      expect(files(engine, id)).toEqual({ f: '1' });

      expect(await restore(other)).toBe('file_conflict');
      expect(workspaces.get(other).state).toBe('restoring');
      // It is refused while one try of it goes on.
      await vi.waitFor(() => workspaces.remove(other), { timeout: 20_000 });
      expect(await codeOf(workspaces.remove(other))).toBe('workspace_removed');
      expect(names(engine, 'workspaces')).toEqual([id]);
    } finally {
      free('workspaces');
      free('discarded-workspaces');
    }
  });
});

test('what a workspace is being filled with stays until it is: snapshot, workspace and run', async () => {
  await using engine = buildEngine();
  const { workspaces, store } = engine;
  const source = await made(engine, { a: '1' });
  const { snapshot } = await workspaces.snapshot(source, {});
  const { invocation } = await engine.run({ runtime_kind: 'fake' });
  const from = {
    snapshot: snapshot.snapshot_id,
    workspace: source,
    invocation: invocation.invocation_id,
  };
  const removals: [keyof typeof from, () => Promise<void>][] = [
    ['snapshot', () => workspaces.snapshots.remove(from.snapshot)],
    ['invocation', () => engine.engine.remove(from.invocation)],
    ['workspace', () => workspaces.remove(from.workspace)],
  ];
  for (const [what, remove] of removals) {
    // As one stands that waits to be filled.
    const id = newId();
    const input = JSON.stringify({ from: { [what]: from[what] } });
    store.workspaces.insert(
      { id, fingerprint: null, input, createdAt: Date.now() },
      newFacts({}, Date.now()),
    );
    const code = what === 'snapshot' ? 'snapshot_busy' : 'workspace_busy';
    expect(await codeOf(remove())).toBe(code);
    await expect(remove()).rejects.toThrow(`the workspace ${id} is being filled with`);
    store.workspaces.change(id, { state: 'failed' });
    expect(await codeOf(remove())).toBe('done');
  }
});
