import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { json, redirect, startBackend, status } from '../../fixtures/backend.ts';
import { backend, call, response, SECRET, summary } from '../http/scene.ts';

test('redirects are followed to their limit, with the methods that HTTP says', async () => {
  backend.on('/a', redirect('/b', 307));
  backend.on('/b', redirect(`${backend.url}/c`, 303));
  backend.on('/c', json({ end: true }));
  const record = await call({ url: `${backend.url}/a`, body: { x: 1 } });
  expect(record.status).toBe('succeeded');
  expect(backend.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/a', '{"x":1}'],
    ['POST', '/b', '{"x":1}'],
    ['GET', '/c', ''],
  ]);
  expect(response(record)).toMatchObject({
    url: `${backend.url}/c`,
    redirects: [
      { status: 307, url: `${backend.url}/a` },
      { status: 303, url: `${backend.url}/b` },
    ],
  });
});

test('follow_redirects 0 makes the redirect the answer; too many fail', async () => {
  backend.on('/', redirect('/'));
  expect((await call({ url: backend.url, follow_redirects: 0 })).result?.exit_code).toBe(302);
  const round = await call({ url: backend.url, follow_redirects: 3 });
  expect(round.status).toBe('failed');
  expect(summary(round)).toBe('HTTP 302 Found: redirected too often');
  expect(backend.seen).toHaveLength(1 + 4);
});

test.each(['http://169.254.169.254/latest', 'http://[fe80::1]/', 'http://100.100.100.200/'])(
  'a redirect to %s is not followed',
  async (location) => {
    backend.on('/', redirect(location, 307));
    const record = await call({ url: backend.url });
    expect(record).toMatchObject({
      status: 'rejected',
      result: { exit_code: 307 },
      outcome: { ended: 'rejected', started: true, retry_safe: false },
    });
    expect(summary(record)).toMatch(
      /^HTTP 307 Temporary Redirect: redirected to .*: calls to .* are not allowed/,
    );
    expect(response(record)).toMatchObject({ status: 307, url: `${backend.url}/`, headers: { location } });
  },
);

test.each(['file:///etc/passwd', 'http://a:b@127.0.0.1/', 'http://[', 'gopher://x'])(
  'a redirect to %s fails',
  async (location) => {
    backend.on('/', redirect(location));
    expect(summary(await call({ url: backend.url }))).toContain('redirected to');
  },
);

test('another origin gets neither the secret nor the headers that were not for it', async () => {
  await using other = await startBackend();
  other.on('/', status(200));
  backend.on('/', redirect(`${other.url}/`, 307));
  await call({
    url: backend.url,
    auth: { secret: 'TOKEN' },
    headers: { 'x-api-key': 'k', cookie: 'c=1' },
    body: 1,
  });
  expect(backend.seen[0]?.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'x-api-key': 'k' });
  expect(Object.keys(other.seen[0]?.headers ?? {}).sort()).toEqual([
    'accept-encoding',
    'connection',
    'content-length',
    'content-type',
    'host',
    'user-agent',
  ]);
});

test('a large file is sent whole, also where it is redirected', async () => {
  using place = mkdtempDisposableSync(join(tmpdir(), 'runwire-payload-'));
  const file = join(place.path, 'large');
  writeFileSync(file, Buffer.alloc(5_000_000, 'z'));
  backend.on('/a', redirect('/b', 307));
  backend.on('/b', status(200));
  expect((await call({ url: `${backend.url}/a` }, { input_payload_path: file })).status).toBe('succeeded');
  expect(backend.seen.map(({ body }) => body.length)).toEqual([5_000_000, 5_000_000]);
});
