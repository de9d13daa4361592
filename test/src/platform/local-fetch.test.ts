import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { localFetch } from '../../../src/platform/local-fetch.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close().closeAllConnections();
});

async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers with what came. */
const echo = () =>
  serving(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { method, headers } = request;
    response.setHeader('x-length', headers['content-length'] ?? 'chunked');
    response.setHeader('content-type', headers['content-type'] ?? 'none');
    response.end(method === 'GET' ? 'got' : Buffer.concat(parts));
  });

test.each([
  ['text', 'ü\n', '3'],
  ['bytes', Uint8Array.from([0, 255]), '2'],
  ['a stream', new Blob(['streamed']).stream(), 'chunked'],
])('%s is sent as it is', async (_name, body, length) => {
  const answer = await localFetch(await echo(), { method: 'POST', body, headers: { 'content-type': 'a/b' } });
  expect([answer.status, answer.headers.get('x-length'), answer.headers.get('content-type')]).toEqual([
    200,
    length,
    'a/b',
  ]);
  const sent = body instanceof ReadableStream ? Buffer.from('streamed') : Buffer.from(body as string);
  expect(Buffer.from(await answer.arrayBuffer()).equals(sent)).toBe(true);
});

test('a form brings its type with it', async () => {
  const form = new FormData();
  form.append('file', new Blob(['x']), 'a.txt');
  const answer = await localFetch(await echo(), { method: 'POST', body: form });
  expect(answer.headers.get('content-type')).toMatch(/^multipart\/form-data; boundary=/);
  expect(await answer.text()).toContain('filename="a.txt"');
});

test('what a proxy would be asked is asked of the address itself', async () => {
  const before = { ...process.env };
  Object.assign(process.env, { HTTP_PROXY: 'http://127.0.0.1:9', NODE_USE_ENV_PROXY: '1' });
  try {
    expect(await (await localFetch(await echo())).text()).toBe('got');
  } finally {
    process.env = before;
  }
});

test('redirects are answers, and answers without a body have none', async () => {
  const url = await serving((request, response) => {
    response.writeHead(request.url === '/away' ? 302 : 204, { location: 'http://127.0.0.1:9/' }).end();
  });
  const away = await localFetch(`${url}/away`);
  expect([away.status, away.headers.get('location')]).toEqual([302, 'http://127.0.0.1:9/']);
  expect((await localFetch(`${url}/none`)).body).toBeNull();
});

test('a signal ends what is waited for, and what is read', async () => {
  const gone = Promise.withResolvers<void>();
  const url = await serving((request, response) => {
    response.once('close', () => gone.resolve());
    if (request.url === '/begun') response.write('begun');
  });
  for (const path of ['/silent', '/begun']) {
    const over = new AbortController();
    const answer = localFetch(`${url}${path}`, { signal: over.signal });
    if (path === '/begun') {
      const { body } = await answer;
      over.abort();
      await expect(new Response(body).text()).rejects.toThrow();
    } else {
      setImmediate(() => over.abort());
      await expect(answer).rejects.toThrow();
    }
  }
  await gone.promise;
});

test('one that is not read on breaks its connection', async () => {
  const gone = Promise.withResolvers<void>();
  const url = await serving((_request, response) => {
    response.once('close', () => gone.resolve());
    response.write('begun');
  });
  const { body } = await localFetch(url);
  await body?.cancel();
  await gone.promise;
});

test('nobody there is an error that says so', async () => {
  await expect(localFetch('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
