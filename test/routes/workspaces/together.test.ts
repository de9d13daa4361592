import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileEntry } from '../../../src/documents/file-entry.ts';
import type { Workspace } from '../../../src/documents/workspace.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';

let server: BuiltApp;
let origin: string;
beforeAll(async () => {
  server = await buildApp();
  origin = await server.listen();
});
afterAll(() => server.end());

const post = (path: string, body: object): Promise<Response> =>
  fetch(`${origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

async function make(more: object = {}): Promise<string> {
  const id = `t-${randomUUID()}`;
  expect((await post('/workspaces', { workspace_id: id, ...more })).status).toBe(201);
  return `/workspaces/${id}`;
}

test('what is put while a snapshot is put back comes before it, or after it, or is refused', async () => {
  const at = await make({
    files: Array.from({ length: 300 }, (_, n) => ({ path: `d${n % 9}/f${n}`, text: `${n}` })),
  });
  const shot = `s-${randomUUID()}`;
  expect((await post(`${at}/snapshots`, { snapshot_id: shot })).status).toBe(201);
  const seen = new Set<string>();
  for (let round = 0; round < 15; round++) {
    const restoring = post(`${at}/restore`, { snapshot_id: shot }).then(({ status }) => ['restore', status]);
    const others = Array.from({ length: 8 }, async (_, n) => {
      const { status } = await fetch(`${origin}${at}/files/d${n}/f${n}`, { method: 'PUT', body: 'put' });
      return ['put', status];
    });
    for (const [what, status] of await Promise.all([restoring, ...others])) seen.add(`${what} ${status}`);
  }
  for (const one of seen) expect(['restore 200', 'restore 409', 'put 204', 'put 409']).toContain(one);
  expect((await post(`${at}/restore`, { snapshot_id: shot })).status).toBe(200);
  const { items } = (await (await fetch(`${origin}${at}/files?limit=1000`)).json()) as { items: FileEntry[] };
  expect(items.filter(({ type }) => type === 'file')).toHaveLength(300);
  expect(await (await fetch(`${origin}${at}/files/d3/f3`)).text()).toBe('3');
});

test('files that are put at once are all counted', async () => {
  const at = await make();
  const puts = Array.from({ length: 40 }, (_, n) =>
    fetch(`${origin}${at}/files/d${n % 3}/f${n}`, { method: 'PUT', body: 'x'.repeat(n) }),
  );
  expect(new Set((await Promise.all(puts)).map(({ status }) => status))).toEqual(new Set([201]));
  const { files, bytes } = (await (await fetch(`${origin}${at}`)).json()) as Workspace;
  expect([files, bytes]).toEqual([40, (39 * 40) / 2]);
});

test('files that come at once have not more room than one after the other', async () => {
  const at = await make({ max_bytes: 100 });
  const put = (name: string, length: number, sent?: Promise<void>) => {
    const chunked = new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.alloc(length - 1));
        await sent;
        controller.enqueue(Buffer.alloc(1));
        controller.close();
      },
    });
    const body = sent ? chunked : Buffer.alloc(length);
    const init = { method: 'PUT', body, duplex: 'half' } as RequestInit;
    return fetch(`${origin}${at}/files/${name}`, init).then(({ status }) => status);
  };
  const bytes = async () => ((await (await fetch(`${origin}${at}`)).json()) as Workspace).bytes;
  for (const sent of [undefined, Promise.resolve()]) {
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => put(`f${n}`, 30, sent)));
    expect(all.filter((status) => status === 201).length).toBe(3);
    expect(all.filter((status) => status === 507).length).toBe(9);
    expect(await bytes()).toBe(90);
    // What fits is never refused, however much is counted just now.
    expect(await Promise.all(Array.from({ length: 5 }, (_, n) => put(`small${n}`, 2, sent)))).toEqual(
      Array.from({ length: 5 }, () => 201),
    );
    expect(await bytes()).toBe(100);
    const { items } = (await (await fetch(`${origin}${at}/files`)).json()) as { items: FileEntry[] };
    for (const { path } of items) await fetch(`${origin}${at}/files/${path}`, { method: 'DELETE' });
  }
});

test('HEAD is GET without its body, wherever there is one', async () => {
  const at = await make({ files: [{ path: 'd/f.txt', text: 'text' }] });
  const shot = `/snapshots/s-${randomUUID()}`;
  expect((await post(`${at}/snapshots`, { snapshot_id: shot.slice('/snapshots/'.length) })).status).toBe(201);
  const from = shot.slice('/snapshots/'.length);
  for (const path of [
    ...['/workspaces', at, `${at}/files`, `${at}/files/d/f.txt`, `${at}/archive`, `${at}/snapshots`],
    ...[`${at}/diff?from=${from}`, '/snapshots', shot, `${shot}/files`, `${shot}/files/d/f.txt`],
    ...[`${shot}/archive?format=zip`, `${shot}/diff/${from}`, `${at}/files/no`, `${shot}/files/no`],
  ]) {
    const [head, got] = [
      await fetch(`${origin}${path}`, { method: 'HEAD' }),
      await fetch(`${origin}${path}`),
    ];
    const facts = ({ status, headers }: Response) => [
      path,
      status,
      ...['content-type', 'etag', 'content-disposition', 'repr-digest'].map((name) => headers.get(name)),
    ];
    expect(facts(head)).toEqual(facts(got));
    expect([path, await head.text(), (await got.text()).length > 0]).toEqual([path, '', true]);
  }
});
