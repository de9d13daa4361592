import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FileEntry } from '../../src/documents/file-entry.ts';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';

let app: BuiltApp;
let url: string;
let place: string;
beforeEach(async () => {
  app = await buildApp();
  url = await app.listen();
  place = mkdtempSync(join(tmpdir(), 'runwire-files-'));
});
afterEach(async () => {
  await app.end();
  rmSync(place, { recursive: true, force: true });
});

async function run(script: string, more: object = {}): Promise<string> {
  const answer = await fetch(`${url}/invocations?wait=20`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runtime_kind: 'subprocess', command: ['sh', '-c', script], ...more }),
  });
  const record = (await answer.json()) as { invocation: { invocation_id: string } };
  expect(answer.status).toBe(200);
  return record.invocation.invocation_id;
}

const get = (id: string, rest: string, init: RequestInit = {}) =>
  fetch(`${url}/invocations/${id}/${rest}`, init);

async function list(id: string, query = ''): Promise<{ items: FileEntry[]; next_cursor: string | null }> {
  const answer = await get(id, `files${query}`);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as { items: FileEntry[]; next_cursor: string | null };
}

const TREE =
  'mkdir -p a/deep empty; printf one >a/1; printf two >a/deep/2; printf x >b; chmod 751 b; ln -s a/1 link; ln -s /etc out; mkfifo pipe';

test('what a run has in its directory is listed in order, with what each thing is', async () => {
  const id = await run(TREE);
  const { items, next_cursor } = await list(id, '?hash=true');
  expect(items.map(({ path, type }) => [path, type])).toEqual([
    ['a', 'directory'],
    ['a/1', 'file'],
    ['a/deep', 'directory'],
    ['a/deep/2', 'file'],
    ['b', 'file'],
    ['empty', 'directory'],
    ['link', 'link'],
    ['out', 'link'],
    ['pipe', 'fifo'],
  ]);
  expect(next_cursor).toBeNull();
  const b = items.find(({ path }) => path === 'b');
  expect(b).toMatchObject({
    size_bytes: 1,
    mode: '0751',
    sha256: createHash('sha256').update('x').digest('hex'),
  });
  expect(items.find(({ path }) => path === 'out')).toMatchObject({ target: '/etc', size_bytes: 0 });
  expect((await list(id, '?glob=a/**')).items.map(({ path }) => path)).toEqual(['a/1', 'a/deep', 'a/deep/2']);
  expect((await list(id, '?glob=out/*')).items).toEqual([]);
  const pages: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await list(id, `?limit=2${cursor && `&cursor=${cursor}`}`);
    pages.push(...page.items.map(({ path }) => path));
    cursor = page.next_cursor;
  }
  expect(pages).toEqual(items.map(({ path }) => path));
});

test('a file is served as artifacts are: whole, in ranges, not again; what is none is not opened', async () => {
  const id = await run(TREE);
  const whole = await get(id, 'files/a/deep/2');
  expect([whole.status, await whole.text(), whole.headers.get('content-type')]).toEqual([
    200,
    'two',
    'application/octet-stream',
  ]);
  const etag = whole.headers.get('etag') ?? '';
  expect((await get(id, 'files/a/deep/2', { headers: { 'if-none-match': etag } })).status).toBe(304);
  const part = await get(id, 'files/a/deep/2', { headers: { range: 'bytes=1-' } });
  expect([part.status, await part.text()]).toEqual([206, 'wo']);
  for (const path of ['link', 'out', 'out/passwd', 'pipe', 'a', 'no', 'a/no', 'link/x', 'b/x'])
    expect([path, (await get(id, `files/${path}`)).status]).toEqual([path, 404]);
  writeFileSync(join(app.dataDir, 'runs', id, 'work/a/deep/2'), 'TWO');
  expect((await get(id, 'files/a/deep/2', { headers: { 'if-none-match': etag } })).status).toBe(200);
});

test.each(['tar', 'tar.gz', 'zip'])('the whole is a %s that other programs read', async (format) => {
  const id = await run(`${TREE}; rm out pipe`);
  const answer = await get(id, `archive?format=${format}`);
  expect(answer.status).toBe(200);
  writeFileSync(join(place, 'archive'), Buffer.from(await answer.arrayBuffer()));
  mkdirSync(join(place, 'out'));
  if (format === 'zip')
    execFileSync('python3', ['-c', "import zipfile; zipfile.ZipFile('archive').extractall('out')"], {
      cwd: place,
    });
  else execFileSync('tar', ['xf', '../archive'], { cwd: join(place, 'out') });
  expect(readFileSync(join(place, 'out/a/deep/2'), 'utf8')).toBe('two');
  expect(existsSync(join(place, 'out/empty'))).toBe(true);
  if (format !== 'zip')
    expect(
      execFileSync('diff', [
        '-r',
        '--no-dereference',
        join(app.dataDir, 'runs', id, 'work'),
        join(place, 'out'),
      ]).toString(),
    ).toBe('');
  const some = await get(id, `archive?format=tar&glob=a/*`);
  writeFileSync(join(place, 'some.tar'), Buffer.from(await some.arrayBuffer()));
  expect(execFileSync('tar', ['tf', 'some.tar'], { cwd: place }).toString()).toBe('a/1\na/deep/\n');
});

test('it is read while the run goes on, and gone with it', async () => {
  const answer = await fetch(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      invocation_id: 'live',
      runtime_kind: 'subprocess',
      command: ['sh', '-c', 'echo now >f; sleep 60'],
    }),
  });
  expect(answer.status).toBe(202);
  await expect.poll(async () => (await get('live', 'files/f')).status).toBe(200);
  expect(await (await get('live', 'files/f')).text()).toBe('now\n');
  await fetch(`${url}/invocations/live/cancel`, { method: 'POST' });
  await fetch(`${url}/invocations/live?wait=20`);
  expect((await list('live')).items).toHaveLength(1);
  await fetch(`${url}/invocations/live`, { method: 'DELETE' });
  expect((await get('live', 'files')).status).toBe(410);
});

test('a directory that is not the server’s own is not shown, and none of another', async () => {
  const elsewhere = await run('true', { working_directory: place });
  for (const rest of ['files', 'files/x', 'archive'])
    expect([rest, (await get(elsewhere, rest)).status]).toEqual([rest, 404]);
  expect((await get('nobody', 'files')).status).toBe(404);
  // The program has the rights of the server: it puts a link where its directory was.
  const id = await run('cd .. && mv work moved && ln -s /etc work');
  for (const rest of ['files', 'files/passwd', 'archive'])
    expect([rest, (await get(id, rest)).status]).toEqual([rest, 404]);
});

test('a second name of a private file of the server is not shown', async () => {
  const id = await run('ln ../../../runwire.db db; ln ../../../callback.key key; echo x >x');
  expect((await get(id, 'files/db')).status).toBe(404);
  expect((await get(id, 'files/key')).status).toBe(404);
  const tar = Buffer.from(await (await get(id, 'archive')).arrayBuffer()).toString('latin1');
  expect(tar).not.toContain('SQLite format');
  expect(tar).toContain('x\n');
});

test('a program that swaps its directories for links meanwhile gives nothing away', async () => {
  mkdirSync(join(place, 'secret'));
  writeFileSync(join(place, 'secret/f'), 'SECRET');
  const script = `mkdir d; echo mine >d/f; echo up; while :; do mv d e; ln -s ${place}/secret d; rm d; mv e d; done 2>/dev/null`;
  await fetch(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      invocation_id: 'swap',
      runtime_kind: 'subprocess',
      command: ['sh', '-c', script],
    }),
  });
  await expect.poll(async () => (await get('swap', 'stdout')).text()).toContain('up');
  for (let i = 0; i < 200; i++) {
    const texts = await Promise.all([
      get('swap', 'files/d/f').then((answer) => answer.text()),
      get('swap', 'archive')
        .then((answer) => answer.text())
        .catch(() => ''),
      get('swap', 'files?hash=true').then((answer) => answer.text()),
    ]);
    for (const text of texts) {
      expect(text).not.toContain('SECRET');
      expect(text).not.toContain(createHash('sha256').update('SECRET').digest('hex'));
    }
  }
  await fetch(`${url}/invocations/swap/cancel`, { method: 'POST' });
});

test.each([
  ['?glob=', 400],
  ['?limit=0', 400],
  ['?cursor=..', 400],
  ['?unknown=1', 400],
])('files%s is refused', async (query, status) => {
  expect((await get(await run('true'), `files${query}`)).status).toBe(status);
});

test('a format that is not known, and one that is not accepted, are refused before anything is sent', async () => {
  const id = await run('echo x >x');
  expect((await get(id, 'archive?format=rar')).status).toBe(400);
  expect((await get(id, 'archive', { headers: { accept: 'text/html' } })).status).toBe(406);
  const zip = await get(id, 'archive', { headers: { accept: 'application/zip' } });
  expect(zip.headers.get('content-type')).toBe('application/zip');
});
