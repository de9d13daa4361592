import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileEntry } from '../../../src/documents/file-entry.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import type { Diff, Snapshot } from '../../../src/documents/snapshot.ts';
import type { Workspace } from '../../../src/documents/workspace.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { findProgram } from '../../helpers/require.ts';

let server: BuiltApp;
let origin: string;
let place: string;
beforeAll(async () => {
  server = await buildApp();
  origin = await server.listen();
  place = mkdtempSync(join(tmpdir(), 'runwire-spaces-'));
});
afterAll(async () => {
  await server.end();
  rmSync(place, { recursive: true, force: true });
});

const fresh = (): string => `t-${randomUUID()}`;
const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${origin}${path}`, init);
const post = (path: string, body?: object): Promise<Response> =>
  get(path, {
    method: 'POST',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
const remove = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  get(path, { method: 'DELETE', headers });
const put = (path: string, body: string): Promise<Response> => get(path, { method: 'PUT', body });

async function json<T>(answer: Promise<Response>, status = 200): Promise<T> {
  const got = await answer;
  const text = await got.text();
  expect([got.status, text.slice(0, 500)]).toEqual([status, expect.anything()]);
  return JSON.parse(text) as T;
}
const codeOf = async (answer: Promise<Response>): Promise<[number, string]> => {
  const { status, code } = (await (await answer).json()) as { status: number; code: string };
  return [status, code];
};

async function make(body: object = {}): Promise<string> {
  const { workspace_id } = await json<Workspace>(post('/workspaces', body), 201);
  return workspace_id;
}
const text = async (path: string): Promise<string> => (await get(path)).text();
const pathsOf = async (path: string): Promise<string[]> => {
  const { items } = await json<{ items: FileEntry[] }>(get(`${path}/files`));
  return items.map((entry) => entry.path);
};

describe('A workspace', () => {
  test('is made once by its id and body, and told as it is', async () => {
    const id = fresh();
    const body = { workspace_id: id, metadata: { for: 'tests' }, files: [{ path: 'a/b', text: 'x' }] };
    const first = await post('/workspaces', body);
    expect([first.status, first.headers.get('location')]).toEqual([201, `/workspaces/${id}`]);
    const made = (await first.json()) as Workspace;
    expect(made).toMatchObject({ state: 'ready', files: 1, bytes: 1, runs: { running: 0, queued: 0 } });
    const again = await post('/workspaces', body);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    expect(await codeOf(post('/workspaces', { ...body, metadata: {} }))).toEqual([409, 'workspace_conflict']);
    expect(await json<Workspace>(get(`/workspaces/${id}`))).toMatchObject({ metadata: { for: 'tests' } });
    expect((await get(`/workspaces/${id}`, { method: 'HEAD' })).status).toBe(200);
    const { items } = await json<{ items: Workspace[] }>(get('/workspaces?limit=1'));
    expect(items.map(({ workspace_id }) => workspace_id)).toEqual([id]);
    expect(await text(`${made.links.files}/a/b`)).toBe('x');
    for (const link of Object.values(made.links))
      expect([link, (await get(link)).status]).toEqual([link, 200]);
  });

  test('is made of a form with files and an archive', async () => {
    mkdirSync(join(place, 'sub'), { recursive: true });
    writeFileSync(join(place, 'sub/in.txt'), 'archived');
    const archive = execFileSync('tar', ['cz', 'sub'], { cwd: place });
    const id = fresh();
    const form = (name = 'dir/a.txt') => {
      const parts = new FormData();
      parts.append('workspace', new Blob([JSON.stringify({ workspace_id: id })]));
      parts.append('f', new Blob(['hello']), name);
      parts.append('archive', new Blob([Uint8Array.from(archive)]), 'sub.tgz');
      return parts;
    };
    const sent = (body: FormData) => get('/workspaces', { method: 'POST', body });
    expect(await json<Workspace>(sent(form()), 201)).toMatchObject({ files: 2 });
    expect(await pathsOf(`/workspaces/${id}`)).toEqual(['dir', 'dir/a.txt', 'sub', 'sub/in.txt']);
    expect((await sent(form())).status).toBe(200);
    expect((await sent(form('dir/b.txt'))).status).toBe(409);
    for (const name of ['/etc/x', '../x', 'a/../../x', 'a//b', '', 'sub'])
      expect([name, (await sent(form(name))).status]).toEqual([name, 422]);
    const nameless = new FormData();
    nameless.append('f', new Blob(['x']), 'x');
    expect((await sent(nameless)).status).toBe(422);
    await expect.poll(() => readdirSync(join(server.dataDir, 'uploads'))).toEqual([]);
  });

  test('is refused by name where the body is not one', async () => {
    for (const [body, path] of [
      [{ workspace_id: '../x' }, 'workspace_id'],
      [{ workspace_id: '' }, 'workspace_id'],
      [{ workspace_id: 'x'.repeat(129) }, 'workspace_id'],
      [{ workspace_id: '.x' }, 'workspace_id'],
      [{ from: {} }, 'from'],
      [{ from: { snapshot: 'a', workspace: 'b' } }, 'from'],
      [{ from: { snapshot: '../a' } }, 'from.snapshot'],
      [{ from: { snapshot: 'there-is-none' } }, 'from.snapshot'],
      [{ from: { invocation: 'there-is-none' } }, 'from.invocation'],
      [{ ttl_seconds: 0 }, 'ttl_seconds'],
      [{ max_bytes: -1 }, 'max_bytes'],
      [{ max_bytes: 10 * 1024 ** 3 + 1 }, 'max_bytes'],
      [{ files: [{ path: '../x', text: '' }] }, 'files.0.path'],
      [{ files: [{ path: 'x' }] }, 'files.0'],
      [{ metadata: { a: 1 } }, 'metadata.a'],
      [{ name: 'x' }, 'name'],
    ] as const) {
      const answer = await post('/workspaces', body);
      expect([body, answer.status, await answer.json()]).toMatchObject([
        body,
        422,
        { code: 'invalid_field', errors: [{ path }] },
      ]);
    }
    expect((await post('/workspaces?wait=x', {})).status).toBe(400);
  });

  test('begins with what is in another, in a run or in a snapshot', async () => {
    const id = await make({ files: [{ path: 'f', text: 'one', mode: '0755' }] });
    const { snapshot_id } = await json<Snapshot>(post(`/workspaces/${id}/snapshots`), 201);
    const run = await server.run({ runtime_kind: 'subprocess', command: ['sh', '-c', 'echo made >f'] });
    for (const [from, content] of [
      [{ workspace: id }, 'one'],
      [{ snapshot: snapshot_id }, 'one'],
      [{ invocation: run.invocation.invocation_id }, 'made\n'],
    ] as const) {
      const made = await json<Workspace>(
        post('/workspaces', { from, files: [{ path: 'g', text: 'g' }] }),
        201,
      );
      expect(made).toMatchObject({ state: 'ready', files: 2 });
      expect(await text(`${made.links.files}/f`)).toBe(content);
    }
    const slow = await json<Workspace>(post('/workspaces?wait=0', { from: { workspace: id } }), 201);
    expect(await json<Workspace>(get(`${slow.links.self}?wait=20`))).toMatchObject({ state: 'ready' });
  });

  test('is deleted, and gone; with unfinished runs only when they are cancelled', async () => {
    const id = await make();
    const runs = [];
    for (let count = 0; count < 2; count++)
      runs.push(
        await json<RunRecord>(
          post('/invocations', {
            runtime_kind: 'subprocess',
            command: ['sleep', '60'],
            options: { workspace: id, kill_grace_seconds: 0 },
          }),
          202,
        ),
      );
    expect(await codeOf(remove(`/workspaces/${id}`))).toEqual([409, 'workspace_busy']);
    expect((await remove(`/workspaces/${id}`, { 'if-match': '"x"' })).status).toBe(412);
    expect((await remove(`/workspaces/${id}?cancel=true`)).status).toBe(204);
    for (const { invocation } of runs)
      expect(await json<RunRecord>(get(`/invocations/${invocation.invocation_id}`))).toMatchObject({
        status: 'cancelled',
      });
    for (const rest of ['', '/files', '/files/x', '/archive', '/diff?from=x'])
      expect([rest, await codeOf(get(`/workspaces/${id}${rest}`))]).toEqual([
        rest,
        [410, 'workspace_removed'],
      ]);
    for (const rest of ['restore', 'reset', 'snapshots', 'files'])
      expect([
        rest,
        await codeOf(post(`/workspaces/${id}/${rest}`, { ...(rest === 'restore' && { snapshot_id: 'x' }) })),
      ]).toEqual([rest, rest === 'files' ? [415, 'unsupported_media_type'] : [410, 'workspace_removed']]);
    expect((await put(`/workspaces/${id}/files/x`, 'x')).status).toBe(410);
    expect(await codeOf(remove(`/workspaces/${id}`))).toEqual([410, 'workspace_removed']);
    expect(await codeOf(remove(`/workspaces/${fresh()}`))).toEqual([404, 'workspace_not_found']);
  });

  test('has no room over max_bytes', async () => {
    const id = await make({ max_bytes: 10 });
    expect((await put(`/workspaces/${id}/files/a`, '12345678')).status).toBe(201);
    expect(await codeOf(put(`/workspaces/${id}/files/b`, '123'))).toEqual([507, 'workspace_full']);
    expect((await put(`/workspaces/${id}/files/a`, '1234567890')).status).toBe(204);
    expect((await remove(`/workspaces/${id}/files/a`)).status).toBe(204);
    expect((await put(`/workspaces/${id}/files/b`, '123')).status).toBe(201);
    expect(await json<Workspace>(get(`/workspaces/${id}`))).toMatchObject({ files: 1, bytes: 3 });
  });
});

describe('A snapshot', () => {
  test('keeps what is there: read, compared, put back', async () => {
    const id = await make({
      files: [
        { path: 'src/a.txt', text: 'one\ntwo\n' },
        { path: 'run', text: '#', mode: '755' },
      ],
    });
    const at = `/workspaces/${id}`;
    const [before, after] = [fresh(), fresh()];
    const taken = await post(`${at}/snapshots`, { snapshot_id: before, metadata: { k: 'v' } });
    expect([taken.status, taken.headers.get('location')]).toEqual([201, `/snapshots/${before}`]);
    const { digest } = (await taken.json()) as Snapshot;
    const replayed = await post(`${at}/snapshots`, { snapshot_id: before, metadata: { k: 'v' } });
    expect([replayed.status, replayed.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    expect(await codeOf(post(`${at}/snapshots`, { snapshot_id: before }))).toEqual([
      409,
      'snapshot_conflict',
    ]);
    await put(`${at}/files/src/a.txt`, 'one\n2\n');
    await put(`${at}/files/new`, 'new\n');
    await remove(`${at}/files/run`);

    const live = await json<Diff>(get(`${at}/diff?from=${before}&patch=true`));
    expect(live).toMatchObject({ from: digest, stats: { created: 1, deleted: 1, modified: 1 } });
    expect(live.files.map(({ path, change }) => [path, change])).toEqual([
      ['new', 'created'],
      ['run', 'deleted'],
      ['src/a.txt', 'modified'],
    ]);
    expect(live.files[2]?.patch).toContain('-two\n+2\n');
    const page = await json<Diff>(get(`${at}/diff?from=${before}&limit=2`));
    const rest = await json<Diff>(
      get(`${at}/diff?from=${before}&limit=2&cursor=${encodeURIComponent(page.next_cursor ?? '')}`),
    );
    expect([...page.files, ...rest.files].map(({ path }) => path)).toEqual(['new', 'run', 'src/a.txt']);
    expect([rest.next_cursor, page.files[0]?.patch]).toEqual([null, undefined]);

    await json(post(`${at}/snapshots`, { snapshot_id: after }), 201);
    const patch = await get(`/snapshots/${before}/diff/${after}`, { headers: { accept: 'text/x-diff' } });
    expect(patch.headers.get('content-type')).toBe('text/x-diff');
    expect(patch.headers.get('vary')).toBe('accept');
    const words = await patch.text();
    expect(words).toContain('diff --git a/src/a.txt b/src/a.txt');
    expect(words).toBe(
      await (await get(`${at}/diff?from=${before}`, { headers: { accept: 'text/x-diff' } })).text(),
    );
    for (const query of ['patch=true', 'limit=1', 'cursor=a'])
      expect(
        (await get(`/snapshots/${before}/diff/${after}?${query}`, { headers: { accept: 'text/x-diff' } }))
          .status,
      ).toBe(400);
    expect(
      (await get(`/snapshots/${before}/diff/${after}`, { headers: { accept: 'text/html' } })).status,
    ).toBe(406);
    expect((await get(`/snapshots/${before}/diff/${after}`, { method: 'HEAD' })).status).toBe(200);

    expect(await pathsOf(`/snapshots/${before}`)).toEqual(['run', 'src', 'src/a.txt']);
    const restored = await json<Workspace>(post(`${at}/restore`, { snapshot_id: before }));
    expect(restored).toMatchObject({ state: 'ready', files: 2 });
    expect(await pathsOf(at)).toEqual(['run', 'src', 'src/a.txt']);
    await json(post(`${at}/restore`, { snapshot_id: after, mode: 'overlay' }));
    expect(await pathsOf(at)).toEqual(['new', 'run', 'src', 'src/a.txt']);
    await json(post(`${at}/restore`, { snapshot_id: before }));
    const again = await json<Snapshot>(post(`${at}/snapshots`), 201);
    expect(again.digest).toBe(digest);

    const { items } = await json<{ items: Snapshot[] }>(get(`/snapshots?workspace_id=${id}`));
    expect(items.map(({ snapshot_id }) => snapshot_id)).toEqual([
      ...[again.snapshot_id, after, before],
      restored.base_snapshot,
    ]);
    expect(await json(get(`${at}/snapshots?limit=4`))).toEqual({ items, next_cursor: null });
    if (findProgram('git') !== null) {
      const there = join(place, fresh());
      mkdirSync(join(there, 'src'), { recursive: true });
      writeFileSync(join(there, 'src/a.txt'), 'one\ntwo\n');
      writeFileSync(join(there, 'run'), '#', { mode: 0o755 });
      execFileSync('git', ['apply'], { cwd: there, input: words });
      expect([readFileSync(join(there, 'src/a.txt'), 'utf8'), readdirSync(there).sort()]).toEqual([
        'one\n2\n',
        ['new', 'src'],
      ]);
    }
  });

  test('has files that are served by their hash, and archives', async () => {
    const id = await make({ files: [{ path: 'd/f.txt', text: 'hello' }] });
    const { snapshot_id: shot } = await json<Snapshot>(post(`/workspaces/${id}/snapshots`), 201);
    const hash = createHash('sha256').update('hello');
    const sha256 = hash.copy().digest('hex');
    const got = await get(`/snapshots/${shot}/files/d/f.txt`);
    expect([got.status, await got.text(), got.headers.get('etag'), got.headers.get('content-type')]).toEqual([
      200,
      'hello',
      `"${sha256}"`,
      'text/plain',
    ]);
    expect(got.headers.get('repr-digest')).toBe(`sha-256=:${hash.digest('base64')}:`);
    expect(
      (await get(`/snapshots/${shot}/files/d/f.txt`, { headers: { 'if-none-match': `"${sha256}"` } })).status,
    ).toBe(304);
    const part = await get(`/snapshots/${shot}/files/d/f.txt`, { headers: { range: 'bytes=1-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'ell']);
    for (const path of ['d', 'no', 'd/no', '..%2fx', ''])
      expect([path, (await get(`/snapshots/${shot}/files/${path}`)).status]).toEqual([path, 404]);
    const { items } = await json<{ items: FileEntry[] }>(get(`/snapshots/${shot}/files?glob=**/*.txt`));
    expect(items).toMatchObject([{ path: 'd/f.txt', sha256, mode: '0644' }]);
    const first = await json<{ items: FileEntry[]; next_cursor: string }>(
      get(`/snapshots/${shot}/files?limit=1`),
    );
    const next = await json<{ items: FileEntry[] }>(
      get(`/snapshots/${shot}/files?limit=1&cursor=${first.next_cursor}`),
    );
    expect([...first.items, ...next.items].map(({ path }) => path)).toEqual(['d', 'd/f.txt']);
    for (const format of ['tar', 'tar.gz', 'zip'])
      expect(
        (await (await get(`/snapshots/${shot}/archive?format=${format}`)).arrayBuffer()).byteLength,
      ).toBeGreaterThan(100);
    expect((await get(`/snapshots/${shot}/files?glob=`)).status).toBe(400);
  });

  test('outlives its workspace, and is gone when it is deleted', async () => {
    const id = await make({ files: [{ path: 'f', text: 'x' }] });
    const { snapshot_id: shot } = await json<Snapshot>(post(`/workspaces/${id}/snapshots`), 201);
    await remove(`/workspaces/${id}`);
    expect(await text(`/snapshots/${shot}/files/f`)).toBe('x');
    const copy = await make({ from: { snapshot: shot } });
    expect(await text(`/workspaces/${copy}/files/f`)).toBe('x');
    await put(`/workspaces/${copy}/files/f`, 'y');
    expect(await json<Workspace>(post(`/workspaces/${copy}/reset`))).toMatchObject({ state: 'ready' });
    expect(await text(`/workspaces/${copy}/files/f`)).toBe('x');
    const other = await make();
    const { snapshot_id: kept } = await json<Snapshot>(post(`/workspaces/${other}/snapshots`), 201);
    expect((await remove(`/snapshots/${kept}`, { 'if-none-match': '*' })).status).toBe(412);
    expect((await remove(`/snapshots/${kept}`)).status).toBe(204);
    for (const rest of ['', '/files', '/files/f', '/archive', `/diff/${shot}`])
      expect([rest, await codeOf(get(`/snapshots/${kept}${rest}`))]).toEqual([
        rest,
        [410, 'snapshot_removed'],
      ]);
    expect(await codeOf(get(`/snapshots/${fresh()}/files`))).toEqual([404, 'snapshot_not_found']);
    expect(await codeOf(get(`/snapshots/${shot}/diff/${kept}`))).toEqual([410, 'snapshot_removed']);
    expect(await codeOf(get(`/workspaces/${copy}/diff?from=${fresh()}`))).toEqual([
      404,
      'snapshot_not_found',
    ]);
    expect((await get(`/workspaces/${copy}/diff`)).status).toBe(400);
  });

  test('waits for no run: 409, unless it is said', async () => {
    const id = await make();
    const run = await json<RunRecord>(
      post('/invocations', {
        runtime_kind: 'subprocess',
        command: ['sh', '-c', 'echo up >up; exec sleep 60'],
        options: { workspace: id, kill_grace_seconds: 0 },
      }),
      202,
    );
    await expect.poll(async () => (await get(`/workspaces/${id}/files/up`)).status).toBe(200);
    expect(await codeOf(post(`/workspaces/${id}/snapshots`))).toEqual([409, 'workspace_busy']);
    const live = await json<Snapshot>(
      post(`/workspaces/${id}/snapshots?while_running=true`, { ignore: ['*.o'] }),
      201,
    );
    expect(live.files).toBe(1);
    expect(await codeOf(post(`/workspaces/${id}/restore`, { snapshot_id: live.snapshot_id }))).toEqual([
      409,
      'workspace_busy',
    ]);
    expect((await put(`/workspaces/${id}/files/in`, 'x')).status).toBe(201);
    expect((await json<Diff>(get(`/workspaces/${id}/diff?from=${live.snapshot_id}`))).stats.created).toBe(1);
    await post(`/invocations/${run.invocation.invocation_id}/cancel`);
    expect((await remove(`/workspaces/${id}?cancel=true`)).status).toBe(204);
  });

  test('is refused by name where the body is not one', async () => {
    const id = await make();
    for (const [rest, body, path] of [
      ['snapshots', { snapshot_id: 'a/b' }, 'snapshot_id'],
      ['snapshots', { keep: [''] }, 'keep.0'],
      ['snapshots', { keep: Array.from({ length: 101 }, () => 'x') }, 'keep'],
      ['snapshots', { ignore: ['x'.repeat(1001)] }, 'ignore.0'],
      ['snapshots', { name: 'x' }, 'name'],
      ['restore', {}, 'snapshot_id'],
      ['restore', { snapshot_id: 'x', mode: 'half' }, 'mode'],
      ['reset', { hard: true }, 'hard'],
    ] as const) {
      const answer = await post(`/workspaces/${id}/${rest}`, body);
      expect([rest, body, answer.status, await answer.json()]).toMatchObject([
        rest,
        body,
        422,
        { errors: [{ path }] },
      ]);
    }
    expect(await codeOf(post(`/workspaces/${id}/restore`, { snapshot_id: fresh() }))).toEqual([
      404,
      'snapshot_not_found',
    ]);
  });
});
