import { expect, test } from 'vitest';
import { json, status } from '../../fixtures/backend.ts';
import { app, backend, call, summary } from '../http/scene.ts';

test('RxP metadata says the same as options', async () => {
  backend.on('/rxp', json({ ok: true }));
  const record = await app.run({
    runtime_kind: 'http',
    command: ['unused'],
    metadata: {
      'http.url': `${backend.url}/rxp`,
      'http.method': 'PUT',
      'http.body': '{"a": 1}',
      'http.body_format': 'form',
    },
  });
  expect(record.status).toBe('succeeded');
  expect(backend.seen).toMatchObject([
    { method: 'PUT', body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  ]);
});

test('a key given both ways with two values is refused by name, with the same value it is not', async () => {
  backend.on('/', status(200));
  const options = { http: { url: backend.url, body: { a: 1 } } };
  const refused = await app.post({ runtime_kind: 'http', options, metadata: { 'http.body': '{"a":2}' } });
  expect(refused.statusCode).toBe(422);
  expect(refused.json().errors).toEqual([
    { path: 'metadata.http.body', message: expect.stringContaining('options.http.body') },
  ]);
  expect(
    (await app.run({ runtime_kind: 'http', options, metadata: { 'http.body': '{"a":1}' } })).status,
  ).toBe('succeeded');
});

test.each([
  ['missing http.url', {}, {}],
  ['http.url is not a URL', { url: 'nowhere' }, {}],
  ['http.url: the scheme "ftp:"', { url: 'ftp://127.0.0.1/' }, {}],
  ['http.body is not valid JSON', { url: 'http://127.0.0.1/' }, { 'http.body': '{' }],
  ['http.body_format', { url: 'http://127.0.0.1/', body_format: 'telepathy' }, {}],
  ['http.body_format', { url: 'http://127.0.0.1/' }, { 'http.body_format': 'telepathy' }],
  ['http.body must be a JSON object', { url: 'http://127.0.0.1/', body: [1], body_format: 'form' }, {}],
  ['http.body.a must be text', { url: 'http://127.0.0.1/', body: { a: { b: 1 } }, body_format: 'form' }, {}],
  ['http.body must be text', { url: 'http://127.0.0.1/', body: 7, body_format: 'raw' }, {}],
  ['http.method', { url: 'http://127.0.0.1/', method: 'A B' }, {}],
  ['http.method', { url: 'http://127.0.0.1/', method: 'connect' }, {}],
  ['http.headers.x-a has characters', { url: 'http://127.0.0.1/', headers: { 'x-a': 'a\r\nx-b: c' } }, {}],
  ['http.headers: "a b" is not', { url: 'http://127.0.0.1/', headers: { 'a b': 'c' } }, {}],
  [
    'http.headers.Transfer-Encoding',
    { url: 'http://127.0.0.1/', headers: { 'Transfer-Encoding': 'chunked' } },
    {},
  ],
  ['http.auth.secret: the server has no secret', { url: 'http://127.0.0.1/', auth: { secret: 'NONE' } }, {}],
  [
    'http.auth.secret: "ELSEWHERE" may not be sent to 127.0.0.1',
    { url: 'http://127.0.0.1/', auth: { secret: 'ELSEWHERE' } },
    {},
  ],
  ['http.url: calls to 169.254.169.254', { url: 'http://169.254.169.254/latest/meta-data' }, {}],
  ['http.url: calls to 169.254.169.254', { url: 'http://0xa9fea9fe/' }, {}],
  ['http.url: calls to [::ffff:a9fe:a9fe]', { url: 'http://[::ffff:169.254.169.254]/' }, {}],
  ['http.tls.ca has no certificate', { url: 'https://127.0.0.1/', tls: { ca: 'nonsense' } }, {}],
  [
    'http.tls.ca has a certificate that',
    {
      url: 'https://127.0.0.1/',
      tls: { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    },
    {},
  ],
  ['http.url: calls to 169.254.169.254', { url: 'http://169.254.169.254./' }, {}],
])('what cannot be sent is rejected: %s', async (words, http, metadata) => {
  const record = await call(http, { metadata });
  expect(record).toMatchObject({
    status: 'rejected',
    outcome: { ended: 'rejected', started: false, retry_safe: true },
  });
  expect(summary(record)).toContain(words);
});

test('a spec of the wrong form is refused, naming each field', async () => {
  const answer = await app.post({
    runtime_kind: 'http',
    options: { http: { url: 1, bogus: true, tls: { verify: 'x' } } },
  });
  expect(answer.statusCode).toBe(422);
  expect(
    answer
      .json()
      .errors.map(({ path }: { path: string }) => path)
      .sort(),
  ).toEqual(['options.http.bogus', 'options.http.tls.verify', 'options.http.url']);
});
