import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { json, reset, status } from '../../fixtures/backend.ts';
import { app, artifact, backend, call, response, stdout, summary } from '../http/scene.ts';

test('an answer that breaks off fails with its status, and what came is kept', async () => {
  backend.on('/', reset('the beginning'));
  const record = await call({ url: backend.url });
  expect(record).toMatchObject({
    status: 'failed',
    result: { exit_code: 200 },
    outcome: { ended: 'responded' },
  });
  expect(summary(record)).toMatch(/^HTTP 200 OK, then the answer broke off: connection/);
  expect(stdout(record)).toBe('the beginning');
  expect(response(record).body).toMatchObject({ bytes: 13, complete: false });
});

test.each([
  ['no HTTP at all', 'SSH-2.0-nothing\r\n', { status: 'failed', outcome: { ended: 'lost', started: true } }],
  [
    'an upgrade nobody asked for',
    'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    { status: 'failed' },
  ],
  [
    'two lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    { status: 'failed' },
  ],
  [
    'a broken chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nZZ\r\n',
    { status: 'failed', result: { exit_code: 200 } },
  ],
  [
    'a body shorter than it said',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok',
    { status: 'failed', result: { exit_code: 200 } },
  ],
  [
    'headers without end',
    `HTTP/1.1 200 OK\r\n${'name: some value\r\n'.repeat(60_000)}\r\n`,
    { status: 'failed' },
  ],
  [
    'many informational answers',
    `${'HTTP/1.1 103 Early\r\n\r\n'.repeat(100)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
    { status: 'succeeded' },
  ],
  ['a body until the connection closes', 'HTTP/1.0 200 OK\r\n\r\nuntil the end', { status: 'succeeded' }],
])('a server that sends %s ends the run, and honestly', async (_name, bytes, expected) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const record = await call({ url: `http://127.0.0.1:${port}/` }, { timeout_seconds: 20 });
  server.close();
  expect(record).toMatchObject({ outcome: { retry_safe: false }, ...expected });
});

test('a HEAD has no body and a 204 neither', async () => {
  backend.on('/', status(204));
  expect(stdout(await call({ url: backend.url }))).toBe('');
  backend.on('/', json({ long: 'x'.repeat(100) }));
  const head = await call({ url: backend.url, method: 'HEAD' });
  expect(head.status).toBe('succeeded');
  expect(stdout(head)).toBe('');
});

test('a media type that cannot stand in a header does not break the artifact', async () => {
  backend.on('/', status(200, { 'content-type': 'text/plain; a="\u00fc"' }, 'x'));
  const record = await call({ url: backend.url });
  expect(artifact(record, 'body').metadata.media_type).toBe('application/octet-stream');
  expect((await app.get(artifact(record, 'body').metadata.href ?? '')).statusCode).toBe(200);
});
