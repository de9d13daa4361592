import { createHash } from 'node:crypto';
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tarOf } from '../../client/runwire.ts';
import { all, clientServer, sh } from '../helpers/client-server.ts';
import { own } from '../helpers/own-id.ts';

const server = clientServer();
const hashOf = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('files come with a run and are read from it', async () => {
  const files = [
    { path: 'in/a.txt', body: 'one\n' },
    { path: 'in/ü b.txt', body: new Blob(['two\n']) },
  ];
  const archive = tarOf([{ path: 'run.sh', body: 'cat in/*; echo made > out.txt', mode: 0o755 }]);
  const command = ['./run.sh'];
  const run = await server.rw.submit(
    { runtime_kind: 'subprocess', command: ['sh', ...command] },
    { files, archive },
  );
  expect(await run.text()).toBe('one\ntwo\n');
  await run.wait({ check: true });
  const listed = await run.files({ glob: '**/*.txt', hash: true }).toArray();
  expect(listed.map(({ path }) => path)).toEqual(['in/a.txt', 'in/ü b.txt', 'out.txt']);
  expect(listed.at(-1)?.sha256).toBe(hashOf('made\n'));
  expect(await run.file('in/ü b.txt').text()).toBe('two\n');
  expect((await run.archive({ format: 'zip' }).bytes()).subarray(0, 2)).toEqual(
    new TextEncoder().encode('PK'),
  );
});

test('a path that a form cannot tell is refused before anything is sent', async () => {
  const files = [{ path: 'a"b', body: '' }];
  await expect(server.rw.submit(sh('true'), { files })).rejects.toThrow(TypeError);
});

test('artifacts have their hash, which is checked', async () => {
  const run = await server.rw.submit(sh('echo data > kept.bin; echo out', { artifacts: ['*.bin'] }));
  await run.wait();
  const artifacts = await run.artifacts();
  expect(artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr', 'kept.bin']);
  const kept = run.artifact('kept.bin');
  expect(await kept.head()).toMatchObject({ size: 5, sha256: hashOf('data\n') });
  expect(await kept.text()).toBe('data\n');
  expect(await new Response(kept.stream()).text()).toBe('data\n');
  await expect(run.artifact('none').bytes()).rejects.toMatchObject({ code: 'artifact_not_found' });
});

test('a workspace is filled, worked in, looked at, put back and removed', async () => {
  const workspace = await server.rw.workspaces.create(
    { metadata: { of: own('test') } },
    { files: [{ path: 'a', body: '1' }] },
  );
  expect((await workspace.ready()).state).toBe('ready');
  const { etag } = await workspace.put('b/[c]*?.txt', 'two', { mode: '0755' });
  expect((await workspace.file('b/[c]*?.txt').head()).etag).toBe(etag);
  await expect(workspace.put('a', 'x', { ifNoneMatch: '*' })).rejects.toMatchObject({
    name: 'ConflictError',
    status: 412,
  });
  async function* parts() {
    yield new TextEncoder().encode('stre');
    yield new TextEncoder().encode('amed');
  }
  await workspace.put('s', parts());
  const before = await workspace.snapshot();
  expect(
    await workspace.push([
      { path: 'd', directory: true },
      { path: 'd/e', body: 'five', mode: 0o600 },
      { path: 'l', target: 'a' },
    ]),
  ).toMatchObject({ files: 1 });
  await server.rw.run(sh('echo new > made', { workspace: workspace.id }), { check: true });
  const diff = await workspace.diff(before.id, { patch: true });
  expect(diff.files.map(({ path, change }) => `${change} ${path}`)).toEqual([
    'created d/e',
    'created l',
    'created made',
  ]);
  expect(await workspace.patch(before.id).text()).toContain('+new');
  const pulled: Record<string, string> = {};
  for await (const { path, type, target, body } of workspace.pull()) {
    const bytes = Buffer.concat(await all(body)).toString();
    if (type !== 'directory') pulled[path] = target ?? bytes;
  }
  expect(pulled).toEqual({
    a: '1',
    'b/[c]*?.txt': 'two',
    s: 'streamed',
    'd/e': 'five',
    l: 'a',
    made: 'new\n',
  });
  const after = await workspace.snapshot({ metadata: { when: 'after' } });
  expect((await before.diff(after.id)).stats.created).toBe(3);
  expect(await after.file('made').text()).toBe('new\n');
  expect((await workspace.snapshots().toArray(2)).map(({ snapshot_id }) => snapshot_id)).toEqual([
    after.id,
    before.id,
  ]);
  await workspace.restore(before.id);
  expect((await workspace.files({ glob: '*' }).toArray()).map(({ path }) => path)).toEqual(['a', 'b', 's']);
  await workspace.delete('b', { recursive: true });
  await expect(workspace.delete('b')).rejects.toMatchObject({ code: 'file_not_found' });
  const listed = await server.rw.workspaces.list().toArray();
  expect(listed.map(({ workspace_id }) => workspace_id)).toContain(workspace.id);
  await workspace.remove({ cancel: true });
  await expect(workspace.refresh()).rejects.toMatchObject({ name: 'GoneError', code: 'workspace_removed' });
  for (const snapshot of [before, after]) await server.rw.snapshots.attach(snapshot.id).remove();
});

test('a name that an address folds away is refused before anything is sent', async () => {
  const other = await server.rw.workspaces.create();
  const workspace = await server.rw.workspaces.create({}, { files: [{ path: 'a/b', body: 'x' }] });
  const refused = { name: 'InvalidError', code: 'invalid_name', status: null };
  for (const path of [`../../${other.id}`, '..', '', 'a/../a', 'a//b', './a']) {
    await expect(workspace.delete(path, { recursive: true })).rejects.toMatchObject(refused);
    expect(() => workspace.file(path)).toThrow(expect.objectContaining(refused));
  }
  for (const id of ['..', '.', ''])
    expect(() => server.rw.attach(id)).toThrow(expect.objectContaining(refused));
  expect((await other.refresh()).state).toBe('ready');
  await other.remove();
  await workspace.remove();
});

test('a workspace that cannot be filled says why', async () => {
  const from = { git: { url: 'http://127.0.0.1:1/none.git' } };
  const workspace = await server.rw.workspaces.create({ from });
  await expect(workspace.ready()).rejects.toMatchObject({ name: 'ConflictError', code: 'workspace_failed' });
  await workspace.remove();
});

test('a local file that was changed since it was opened is not sent', async () => {
  const place = mkdtempSync(join(tmpdir(), 'runwire-upload-'));
  try {
    const file = join(place, 'file');
    writeFileSync(file, 'before');
    const blob = await openAsBlob(file);
    writeFileSync(file, 'after, and longer');
    const workspace = await server.rw.workspaces.create();
    const changed = { name: 'SourceError', code: 'unreadable_source' };
    await expect(workspace.put('f', blob, { check: false })).rejects.toMatchObject(changed);
    await expect(workspace.put('f', blob)).rejects.toMatchObject(changed);
    await expect(workspace.push([{ path: 'f', body: blob }])).rejects.toMatchObject(changed);
    expect(await workspace.files().toArray()).toEqual([]);
    async function* failing() {
      yield new Uint8Array(10);
      throw new Error('the disk is gone');
    }
    await expect(workspace.put('f', failing())).rejects.toMatchObject({
      ...changed,
      cause: { message: 'the disk is gone' },
    });
    expect(await workspace.files().toArray()).toEqual([]);
    // The server sees a little later that they broke off.
    const removed = () =>
      workspace.remove().then(
        () => true,
        () => false,
      );
    await expect.poll(removed).toBe(true);
  } finally {
    rmSync(place, { recursive: true });
  }
});

test('an asset is kept under a name, with the hash of what was sent', async () => {
  const name = own('asset');
  const asset = await server.rw.assets.put(name, 'weights', { mediaType: 'text/plain' });
  expect(asset).toMatchObject({ name, version: 1, type: 'file', digest: hashOf('weights') });
  const tree = await server.rw.assets.put(name, tarOf([{ path: 'x/y', body: 'z' }]), {
    extract: true,
    ifMatch: `"${asset.digest}"`,
  });
  expect(tree).toMatchObject({ version: 2, type: 'directory' });
  expect(await server.rw.assets.content(name, { path: 'x/y' }).text()).toBe('z');
  expect(await server.rw.assets.content(`${name}@1`).text()).toBe('weights');
  expect((await server.rw.assets.versions(name).toArray()).map(({ version }) => version)).toEqual([2, 1]);
  expect((await server.rw.assets.list().toArray()).map((one) => one.name)).toContain(name);
  await server.rw.assets.remove(name);
  await expect(server.rw.assets.get(name)).rejects.toMatchObject({ code: 'asset_not_found' });
});

test('an environment spec is stored, named by a run, listed and removed', async () => {
  const name = own('spec');
  const spec = { runtime_kind: 'subprocess', environment: { GREETING: 'hello' } };
  expect((await server.rw.environmentSpecs.put(name, spec)).version).toBe(1);
  expect((await server.rw.environmentSpecs.put(name, spec)).version).toBe(1);
  const run = await server.rw.submit({
    command: ['sh', '-c', 'echo $GREETING'],
    options: { environment_spec: name },
  });
  expect(await run.text()).toBe('hello\n');
  expect((await server.rw.environmentSpecs.get(name)).name).toBe(name);
  expect(await server.rw.environmentSpecs.versions(name).toArray()).toHaveLength(1);
  expect((await server.rw.environmentSpecs.list().toArray()).map((one) => one.name)).toContain(name);
  await server.rw.environmentSpecs.remove(name);
  await expect(server.rw.environmentSpecs.get(name)).rejects.toMatchObject({ code: 'spec_not_found' });
});

test('a session is set up, used, checkpointed, reset and closed', async () => {
  let id: string;
  {
    await using session = await server.rw.sessions.create(
      { runtime_kind: 'subprocess', options: { setup: { commands: ['echo ready > state'] } } },
      { files: [{ path: 'given', body: 'x' }] },
    );
    id = session.id;
    expect((await session.ready()).state).toBe('ready');
    const run = await session.submit({ command: ['sh', '-c', 'cat state given; echo more > more'] });
    expect(await run.text()).toBe('ready\nx');
    await run.wait({ check: true });
    const { diff, snapshot } = await session.checkpoint();
    expect(diff.files.map(({ path }) => path)).toEqual(['more']);
    await session.reset();
    expect((await session.ready()).generation).toBe(2);
    const workspace = await session.workspace();
    expect((await workspace.files().toArray()).map(({ path }) => path)).toEqual(['given', 'state']);
    await server.rw.snapshots.attach(snapshot.snapshot_id).remove();
  }
  expect((await server.rw.sessions.attach(id).refresh()).state).toBe('closed');
  expect((await server.rw.sessions.list().toArray()).map(({ session_id }) => session_id)).toContain(id);
  const failing = await server.rw.sessions.create({
    runtime_kind: 'subprocess',
    options: { setup: { commands: ['exit 3'] } },
  });
  await expect(failing.ready()).rejects.toMatchObject({ name: 'ConflictError', code: 'session_failed' });
  await failing.remove();
});

test('the server tells of itself', async () => {
  await server.rw.health();
  expect(await server.rw.readiness()).toMatchObject({ ready: true });
  expect(await server.rw.metrics()).toContain('\nrunwire_queue_depth 0\n');
  expect((await server.rw.runtimes()).map(({ kind }) => kind)).toContain('subprocess');
  expect((await server.rw.runtime('subprocess')).available).toBe(true);
  await expect(server.rw.runtime('none')).rejects.toMatchObject({ code: 'runtime_not_found' });
});
