import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SeenRequest } from '../../fixtures/backend.ts';
import { app, artifact, backend, call, response, stdout, summary } from './scene.ts';

async function put(name: string, text: string): Promise<void> {
  const headers = { 'content-type': 'text/plain' };
  const { statusCode } = await app.request({ method: 'PUT', url: `/assets/${name}`, payload: text, headers });
  expect(statusCode).toBe(201);
}

const address = (text: string): URL => {
  const { pathname } = new URL(text);
  expect(pathname).toBe('/assets/model@1/content');
  return new URL(text);
};

test('placeholders in url, query, headers and body are addresses that are good while the run is not over', async () => {
  await put('model', 'weights');
  let read: [number, string] | null = null;
  let seen: SeenRequest | undefined;
  backend.on('/run', async (answer, request) => {
    seen = request;
    const { a = '' } = JSON.parse(request.body) as { a?: string };
    const { pathname, search } = address(a);
    const { statusCode, body } = await app.request({ url: `${pathname}${search}` });
    read = [statusCode, body];
    answer.end('done');
  });
  const http = {
    url: `${backend.url}/run?from={{static:model}}`,
    query: { q: '{{static:model}}' },
    headers: { 'x-model': '{{static:model}}', 'x-plain': '\\{{static:model}} ${id}' },
    body: { a: '{{static:model}}', '{{static:model}}': 1 },
  };
  const assets = { model: {} };
  const record = await call(http, { options: { http, assets } });
  expect([record.status, summary(record), stdout(record)]).toEqual(['succeeded', '', 'done']);
  expect(read).toEqual([200, 'weights']);
  const { a = '', ...others } = JSON.parse(seen?.body ?? '{}') as { a?: string };
  expect(others).toEqual({ [a]: 1 });
  expect(seen?.headers).toMatchObject({ 'x-model': a, 'x-plain': '{{static:model}} ${id}' });
  expect(new URL(seen?.path ?? '', backend.url).searchParams.get('q')).toBe(a);
  expect(record.invocation.options.http).toEqual(http);
  const { pathname, search } = address(a);
  const later = await app.request({ url: `${pathname}${search}` });
  expect([later.statusCode, later.json().code]).toEqual([403, 'address_expired']);
});

test('a request that RxP metadata says is filled as the same in options is', async () => {
  await put('model', 'weights');
  let seen: SeenRequest | undefined;
  backend.on('/rxp', (answer, request) => {
    seen = request;
    answer.end('done');
  });
  const metadata = {
    'http.url': `${backend.url}/rxp?from={{static:model}}`,
    'http.body': '{"a": "{{static:model}}"}',
    note: '{{static:none}}',
  };
  const record = await call({}, { metadata, options: { assets: { model: {} } } });
  expect([record.status, summary(record)]).toEqual(['succeeded', '']);
  const { a } = JSON.parse(seen?.body ?? '{}') as { a: string };
  address(a);
  expect(seen?.path).toBe(`/rxp?from=${a}`);
  expect(record.invocation.metadata).toEqual(metadata);
  expect(JSON.stringify([record, response(record)])).not.toContain('signature=');
  // A fault in it is told by the key.
  const faulty = { ...metadata, 'http.url': '{{static:modle}}' };
  const refused = await app.post({
    runtime_kind: 'http',
    metadata: faulty,
    options: { assets: { model: {} } },
  });
  expect(refused.json().errors).toEqual([
    { path: 'metadata.http.url', message: '{{static:modle}} is no asset here: there is model' },
  ]);
});

test('an address that comes back, in a header, an error or a redirect, is told nowhere', async () => {
  await put('model', 'weights');
  backend.on('/one', (answer, { headers }) => {
    answer.writeHead(302, {
      location: `/two?x=${encodeURIComponent(String(headers['x-model']))}`,
      'x-echo': headers['x-model'],
    });
    answer.end();
  });
  backend.on('/two', (answer, { path }) => {
    answer.writeHead(500, { 'x-at': path });
    answer.end(`failed with ${new URL(path, backend.url).searchParams.get('x')}`);
  });
  const http = {
    ...{ url: `${backend.url}/one`, method: 'GET', headers: { 'x-model': '{{static:model}}' } },
    follow_redirects: 3,
  };
  const record = await call(http, { options: { http, assets: { model: {} } } });
  expect(record.status).toBe('failed');
  // But for the body of the answer, which is kept as it came.
  const events = (await app.events(record.invocation.invocation_id)).filter(({ type }) => type !== 'stdout');
  const told = JSON.stringify([record, response(record), events]);
  expect(told).toContain('[redacted]');
  expect(told.replaceAll('[redacted]', '')).not.toMatch(/signature|expires=/);
  expect(readFileSync(artifact(record, 'response').path, 'utf8')).not.toContain('signature');
});

test('what cannot be an address, or a header, is refused without it', async () => {
  await put('model', 'weights');
  const refuse = async (http: object) => {
    const answer = await app.post(
      { runtime_kind: 'http', options: { http, assets: { model: {} } } },
      {},
      '?wait=10',
    );
    expect(answer.body).not.toContain('signature=');
    return answer.json();
  };
  expect(await refuse({ url: 'ftp:{{static:model}}' })).toMatchObject({ status: 'rejected' });
  expect(await refuse({ url: backend.url, headers: { '{{static:model}}': 'x' } })).toMatchObject({
    status: 'rejected',
    result: { error_summary: expect.stringContaining('is not a header name') },
  });
  expect(await refuse({ url: '{{static:modle}}' })).toMatchObject({
    errors: [{ path: 'options.http.url', message: expect.stringContaining('there is model') }],
  });
});

test('numbers of a body keep their digits beside an address', async () => {
  await put('model', 'weights');
  backend.on('/run', (answer) => void answer.end());
  const body = `{"runtime_kind":"http","options":{"assets":{"model":{}},"http":{"url":"${backend.url}/run","body":{"n":9007199254740993,"x":1.10,"m":"{{static:model}}"}}}}`;
  await app.request({
    method: 'POST',
    url: '/invocations?wait=20',
    payload: body,
    headers: { 'content-type': 'application/json' },
  });
  expect(backend.seen[0]?.body).toMatch(/^\{"n":9007199254740993,"x":1\.10,"m":"http:/);
});
