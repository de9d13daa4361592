import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Checkpoint, Session } from '../../src/documents/session.ts';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';

let server: BuiltApp;
let origin: string;
beforeAll(async () => {
  server = await buildApp();
  origin = await server.listen();
});
afterAll(() => server.end());

const fresh = (): string => `t-${randomUUID()}`;
const KIND = { runtime_kind: 'subprocess' };
const call = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${origin}${path}`, init);
const post = (path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> =>
  call(path, {
    method: 'POST',
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
const session = async (answer: Promise<Response>): Promise<Session> =>
  (await (await answer).json()) as Session;
const codeOf = async (answer: Promise<Response>): Promise<[number, string]> => {
  const { status, code } = (await (await answer).json()) as { status: number; code: string };
  return [status, code];
};
const text = async (path: string): Promise<string> => (await call(path)).text();

test('POST /sessions: 201 with its address, 200 for the same again; whoever wants to wait says so', async () => {
  const body = { session_id: fresh(), ...KIND };
  const first = await post('/sessions', body);
  const path = `/sessions/${body.session_id}`;
  expect([first.status, first.headers.get('location')]).toEqual([201, path]);
  expect(['preparing', 'ready']).toContain(((await first.json()) as Session).state);
  const again = await post('/sessions', body, { prefer: 'wait=20' });
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
  expect(again.headers.get('preference-applied')).toBe('wait=20');
  expect(((await again.json()) as Session).state).toBe('ready');
  expect(await codeOf(post('/sessions', { ...body, metadata: { a: 'b' } }))).toEqual([
    409,
    'session_conflict',
  ]);
  const found = await session(call(`${path}?wait=1`));
  expect(found.links).toEqual({
    ...{ self: path, checkpoint: `${path}/checkpoint`, reset: `${path}/reset` },
    setup: `/invocations/${found.setup_invocation_id}`,
    workspace: `/workspaces/${found.workspace_id}`,
  });
  for (const link of [found.links.self, found.links.setup, found.links.workspace])
    expect((await call(link)).status).toBe(200);
});

test('POST /sessions as a form: the document, files and an archive', async () => {
  const form = (other = '') => {
    const parts = new FormData();
    parts.set('session', JSON.stringify({ session_id: id, ...KIND, files: [{ path: 'in', text: 'json' }] }));
    parts.set('one', new Blob([`of the form${other}`]), 'src/a b.txt');
    return parts;
  };
  const id = fresh();
  const made = await call('/sessions?wait=20', { method: 'POST', body: form() });
  expect(made.status, await made.clone().text()).toBe(201);
  const { workspace_id, state } = (await made.json()) as Session;
  expect(state).toBe('ready');
  expect(await text(`/workspaces/${workspace_id}/files/src/a%20b.txt`)).toBe('of the form');
  expect(await text(`/workspaces/${workspace_id}/files/in`)).toBe('json');
  expect((await call('/sessions', { method: 'POST', body: form() })).status).toBe(200);
  expect(await codeOf(call('/sessions', { method: 'POST', body: form(' too') }))).toEqual([
    409,
    'session_conflict',
  ]);
  const without = new FormData();
  without.set('one', new Blob(['x']), 'a');
  const refused = await call('/sessions', { method: 'POST', body: without });
  expect([refused.status, await refused.text()]).toEqual([
    422,
    expect.stringContaining('a part named session'),
  ]);
});

test('GET /sessions: newest first, in pages; closed ones too', async () => {
  const ids = [fresh(), fresh()];
  for (const session_id of ids) await post('/sessions?wait=20', { session_id, ...KIND });
  await call(`/sessions/${ids[0]}`, { method: 'DELETE' });
  const page = async (query: string) =>
    (await (await call(`/sessions?limit=1${query}`)).json()) as { items: Session[]; next_cursor: string };
  const first = await page('');
  const second = await page(`&cursor=${first.next_cursor}`);
  expect([...first.items, ...second.items].map(({ session_id, state }) => [session_id, state])).toEqual([
    [ids[1], 'ready'],
    [ids[0], 'closed'],
  ]);
  expect(await codeOf(call('/sessions?cursor=nonsense'))).toEqual([400, 'bad_request']);
});

test('POST …/checkpoint: 201 with the snapshot and what has changed, 200 for the same again', async () => {
  const { session_id: id, ready_snapshot } = await session(post('/sessions?wait=20', KIND));
  await server.run({ command: ['sh', '-c', 'echo one > a'], options: { session: id } });
  const body = { snapshot_id: fresh() };
  const take = () => post(`/sessions/${id}/checkpoint?patch=true`, body);
  const first = await take();
  expect([first.status, first.headers.get('location')]).toEqual([201, `/snapshots/${body.snapshot_id}`]);
  const told = (await first.json()) as Checkpoint;
  expect(told).toMatchObject({
    snapshot: { snapshot_id: body.snapshot_id, files: 1 },
    since: ready_snapshot,
    diff: { files: [{ path: 'a', change: 'created', patch: expect.stringContaining('+one') }] },
    links: { snapshot: `/snapshots/${body.snapshot_id}` },
  });
  expect(await (await call(`${told.links.diff}?patch=true`)).json()).toEqual(told.diff);
  const again = await take();
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
  expect(await again.json()).toEqual(told);
  // A body is not needed.
  const empty = (await (await post(`/sessions/${id}/checkpoint`)).json()) as Checkpoint;
  expect([empty.since, empty.diff.files]).toEqual([body.snapshot_id, []]);
  const faulty = await post(`/sessions/${id}/checkpoint`, { snapshot_id: '/' });
  expect([faulty.status, await faulty.text()]).toEqual([422, expect.stringContaining('snapshot_id')]);
});

test('POST …/reset: 200 with the session, which is prepared anew', async () => {
  const { session_id: id } = await session(post('/sessions?wait=20', KIND));
  const reset = await post(`/sessions/${id}/reset?wait=20`);
  expect([reset.status, await reset.json()]).toMatchObject([200, { state: 'ready', generation: 2 }]);
});

test('DELETE /sessions/{id}: 204, and again; what would use it afterwards is told so', async () => {
  const { session_id: id } = await session(post('/sessions?wait=20', KIND));
  const path = `/sessions/${id}`;
  const remove = (headers: Record<string, string> = {}) => call(path, { method: 'DELETE', headers });
  // It has no ETag, and is no other one.
  expect(await codeOf(remove({ 'if-match': '"x"' }))).toEqual([412, 'precondition_failed']);
  expect((await remove()).status).toBe(204);
  expect((await remove()).status).toBe(204);
  expect((await session(call(path))).state).toBe('closed');
  for (const answer of [post(`${path}/checkpoint`), post(`${path}/reset`)])
    expect(await codeOf(answer)).toEqual([410, 'session_closed']);
});

test('A session that is none is 404 everywhere, whatever is asked of it', async () => {
  const path = `/sessions/${fresh()}`;
  for (const answer of [
    call(path),
    call(path, { headers: { 'if-none-match': '*' } }),
    call(path, { method: 'DELETE', headers: { 'if-match': '"x"' } }),
    post(`${path}/checkpoint`),
    post(`${path}/reset`),
  ])
    expect(await codeOf(answer)).toEqual([404, 'session_not_found']);
  expect((await call(path, { method: 'PUT' })).headers.get('allow')).toBe('DELETE, GET, HEAD');
});
