import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { own } from '../../helpers/own-id.ts';
import { until } from '../../helpers/processes.ts';
import { post, Worker } from '../../helpers/worker.ts';
import { app, fresh, server, TOKEN, url, worker } from './scene.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;
const workOf = ({ id }: Worker): string => join(app.engine.directory(id).root, 'work');

/** It waits for another worker. */
async function isFree({ id }: Worker): Promise<boolean> {
  const record = (await (await fetch(url('', id).slice(0, -1), { headers: TOKEN })).json()) as {
    waiting?: unknown;
  };
  return record.waiting !== undefined;
}

/** A run that a worker has claimed. */
async function claimed(invocation: Record<string, unknown>): Promise<Worker> {
  const made = await post(
    `${server}/invocations`,
    { runtime_kind: 'manual', runtime_name: own('files'), ...invocation },
    TOKEN,
  );
  expect([made.status, made.body]).toEqual([202, expect.anything()]);
  const found = await Worker.claim(server, { runtime_name: own('files') }, TOKEN);
  if (found === null) throw new Error('no run came');
  return found;
}

test('a worker lists, reads, puts and deletes the files of its run, whose directory is served to others too', async () => {
  expect(worker.claimed.claim.urls.files).toBe(`/invocations/${worker.id}/files`);
  const bytes = randomBytes(150_000);
  const made = await worker.files('PUT', 'out/deep/a%20b.bin', bytes);
  expect([made.status, made.headers.get('location')]).toEqual([
    201,
    `/invocations/${worker.id}/files/out/deep/a%20b.bin`,
  ]);
  const tag = made.headers.get('etag');
  const again = await worker.files('PUT', 'out/deep/a%20b.bin?mode=0755', bytes, { 'if-match': `${tag}` });
  expect(again.status).toBe(204);
  expect((await worker.files('PUT', 'out/deep/a%20b.bin', 'x', { 'if-match': '"another"' })).status).toBe(
    412,
  );
  expect((await worker.files('PUT', 'out/deep/a%20b.bin', 'x', { 'if-none-match': '*' })).status).toBe(412);
  const list = (await (await worker.files('GET', '?hash=true')).json()) as { items: object[] };
  expect(list.items).toMatchObject([
    { path: 'out', type: 'directory' },
    { path: 'out/deep', type: 'directory' },
    { path: 'out/deep/a b.bin', mode: '0755', sha256: createHash('sha256').update(bytes).digest('hex') },
  ]);
  const read = await worker.files('GET', 'out/deep/a%20b.bin');
  expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
  const head = await worker.files('HEAD', 'out/deep/a%20b.bin');
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '150000']);
  const others = await fetch(url('files/out/deep/a%20b.bin'), { headers: TOKEN });
  expect(others.status).toBe(200);
  await others.arrayBuffer();
  expect((await worker.files('DELETE', 'out')).status).toBe(409);
  expect((await worker.files('DELETE', 'out?recursive=true')).status).toBe(204);
  expect((await worker.files('DELETE', 'out')).status).toBe(404);
  expect(readdirSync(workOf(worker))).toEqual([]);
  expect(readdirSync(join(workOf(worker), '../beside'))).toEqual([]);
});

test('of a run in a workspace they are the files of that, for the runs that come after', async () => {
  const workspace_id = own('worked');
  await post(`${server}/workspaces`, { workspace_id, max_bytes: 1000 }, TOKEN);
  const one = await claimed({ options: { workspace: workspace_id } });
  expect((await one.files('PUT', 'a', 'of one')).status).toBe(201);
  const full = await one.files('PUT', 'b', 'x'.repeat(2000));
  expect([full.status, await codeOf(full)]).toEqual([507, 'workspace_full']);
  await one.complete({ status: 'succeeded' });
  const other = await claimed({ options: { workspace: workspace_id } });
  expect(await (await other.files('GET', 'a')).text()).toBe('of one');
  const kept = await fetch(`${server}/workspaces/${workspace_id}/files/a`, { headers: TOKEN });
  expect(await kept.text()).toBe('of one');
});

test('what the caller sent with the run is there', async () => {
  const one = await claimed({ options: { files: [{ path: 'in/a.txt', text: 'sent' }] } });
  expect(await (await one.files('GET', 'in/a.txt')).text()).toBe('sent');
});

test('the token of a claim opens the files of its run and of no other, and the token of the server puts none', async () => {
  const other = await fresh();
  const claim = worker.authorization;
  for (const method of ['GET', 'PUT', 'DELETE', 'HEAD']) {
    const address = `${url('files', other.id)}${method === 'GET' ? '' : '/a'}`;
    const init = { method, ...(method === 'PUT' && { body: 'x' }) };
    expect((await fetch(address, { ...init, headers: claim })).status).toBe(401);
    expect((await fetch(address, init)).status).toBe(401);
  }
  for (const path of ['archive', 'result', 'stdout', ''])
    expect((await fetch(url(path), { headers: claim })).status).toBe(401);
  expect((await fetch(`${server}/invocations`, { headers: claim })).status).toBe(401);
  const put = await fetch(url('files/a'), { method: 'PUT', headers: TOKEN, body: 'x' });
  expect([put.status, await codeOf(put)]).toEqual([401, 'unauthorized']);
  const removed = await fetch(url('files/a'), { method: 'DELETE', headers: TOKEN });
  expect(removed.status).toBe(401);
  expect(readdirSync(workOf(worker))).toEqual([]);
});

test('a worker whose lease ended reads and changes nothing any more, nor does one whose run is over', async () => {
  const late = await fresh(2);
  expect((await late.files('PUT', 'a', 'mine')).status).toBe(201);
  await until(() => isFree(late), 'the lease has ended');
  for (const [method, path] of [
    ['GET', ''],
    ['GET', 'a'],
    ['PUT', 'a'],
    ['DELETE', 'a'],
  ] as const) {
    const answer = await late.files(method, path, method === 'PUT' ? 'late' : undefined);
    expect([method, answer.status, await codeOf(answer)]).toEqual([method, 409, 'claim_lost']);
  }
  expect(readFileSync(join(workOf(late), 'a'), 'utf8')).toBe('mine');
  await worker.complete({ status: 'succeeded' });
  for (const [method, path] of [
    ['GET', ''],
    ['PUT', 'a'],
    ['DELETE', 'a'],
  ] as const) {
    const answer = await worker.files(method, path, method === 'PUT' ? 'late' : undefined);
    expect([method, answer.status, await codeOf(answer)]).toEqual([method, 409, 'not_running']);
  }
});

test('each piece of a file renews the lease; one whose claim is lost meanwhile is not put', async () => {
  const slow = await fresh(2);
  const sending = (path: string) => {
    const { hostname, port, pathname } = new URL(url(`files/${path}`, slow.id));
    const out = request({ hostname, port, path: pathname, method: 'PUT', headers: slow.authorization });
    const answered = new Promise<number>((resolve, reject) => {
      out.on('response', (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject);
    });
    return { out, answered };
  };
  const kept = sending('kept');
  for (let piece = 0; piece < 7; piece++) {
    kept.out.write('x'.repeat(1000));
    await sleep(400);
  }
  kept.out.end();
  expect(await kept.answered).toBe(201);
  const lost = sending('lost');
  lost.out.write('x');
  await until(() => isFree(slow), 'the lease has ended');
  lost.out.end('y');
  expect(await lost.answered).toBe(409);
  expect(readdirSync(workOf(slow))).toEqual(['kept']);
  expect(readdirSync(join(workOf(slow), '../beside'))).toEqual([]);
});

test('no link leads a worker out, and no path does', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'runwire-claimed-'));
  writeFileSync(join(outside, 'a'), 'mine');
  symlinkSync(outside, join(workOf(worker), 'up'));
  symlinkSync(join(outside, 'a'), join(workOf(worker), 'link'));
  expect((await worker.files('PUT', 'up/a', 'theirs')).status).toBe(409);
  expect((await worker.files('PUT', 'up/new', 'theirs')).status).toBe(409);
  expect((await worker.files('GET', 'up/a')).status).toBe(404);
  expect((await worker.files('GET', 'link')).status).toBe(404);
  expect((await worker.files('DELETE', 'up/a')).status).toBe(409);
  for (const path of ['..%2Fa', 'x/..%2F..%2Fa', '%2Fetc%2Fx']) {
    const { status } = await worker.files('PUT', path, 'x');
    expect([400, 404, 422]).toContain(status);
  }
  expect((await worker.files('PUT', 'link', 'theirs')).status).toBe(204);
  expect(lstatSync(join(workOf(worker), 'link')).isFile()).toBe(true);
  expect(readFileSync(join(outside, 'a'), 'utf8')).toBe('mine');
  expect(readdirSync(outside)).toEqual(['a']);
  rmSync(outside, { recursive: true });
});

test('in a directory of the caller there are no files of the server: no address, and no way', async () => {
  const theirs = mkdtempSync(join(tmpdir(), 'runwire-claimed-'));
  const one = await claimed({ working_directory: theirs });
  expect(one.claimed.claim.urls.files).toBe(null);
  const put = await fetch(url('files/a', one.id), {
    method: 'PUT',
    headers: bearer(one.claimed.claim.token),
    body: 'x',
  });
  expect([put.status, await codeOf(put)]).toEqual([404, 'file_not_found']);
  expect(existsSync(join(theirs, 'a'))).toBe(false);
  mkdirSync(join(theirs, 'still'));
  rmSync(theirs, { recursive: true });
});
