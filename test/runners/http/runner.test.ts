import { createHash } from 'node:crypto';
import { mkdtempDisposableSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpRunner } from '../../../runners/http/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import type { ArtifactDescriptor } from '../../../src/documents/artifact.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import type { Secret } from '../../../src/outbound/secrets.ts';
import {
  type Backend,
  bulk,
  drip,
  events,
  hang,
  json,
  redirect,
  reset,
  startBackend,
  status,
} from '../../fixtures/backend.ts';
import { makeCertificates } from '../../fixtures/certificates.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';

const SECRET = 'r8_abcdefghijklmnop';
const secrets = new Map<string, Secret>([
  ['TOKEN', { value: SECRET, hosts: null }],
  ['LOGIN', { value: 'me:swordfish', hosts: null }],
  ['ELSEWHERE', { value: 'for-another-host', hosts: ['api.example.com'] }],
]);

let backend: Backend;
let app: TestEngine;

beforeEach(async () => {
  backend = await startBackend();
  app = buildEngine({ runners: [httpRunner({ guard: addressGuard(), secrets }) as Runner] });
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

function call(http: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<RunRecord> {
  return app.run({ runtime_kind: 'http', options: { http }, ...more });
}

const summary = (record: RunRecord) => record.result?.error_summary ?? '';
const stdout = (record: RunRecord) => readFileSync(record.result?.stdout_path ?? '', 'utf8');
function artifact(record: RunRecord, id: string): ArtifactDescriptor {
  const found = record.result?.artifacts.find(({ artifact_id }) => artifact_id === id);
  if (!found) throw new Error(`no artifact ${id}`);
  return found;
}
const response = (record: RunRecord) => JSON.parse(readFileSync(artifact(record, 'response').path, 'utf8'));

test('a 2xx succeeds: the status is the exit code, the body is stdout and an artifact of its media type', async () => {
  backend.on('/run', json({ answer: 42 }, 201, { 'x-mark': 'yes' }));
  const record = await call({ url: `${backend.url}/run?a=1`, query: { b: [2, 'c d'] }, body: { q: 'ü' } });
  expect(record).toMatchObject({
    status: 'succeeded',
    result: { exit_code: 201, error_summary: null },
    outcome: { ended: 'responded', started: true, retry_safe: false },
  });
  expect(backend.seen).toMatchObject([
    {
      method: 'POST',
      path: '/run?a=1&b=2&b=c+d',
      body: '{"q":"ü"}',
      headers: { 'content-type': 'application/json' },
    },
  ]);
  expect(stdout(record)).toBe('{"answer":42}');
  expect(response(record)).toMatchObject({
    status: 201,
    url: `${backend.url}/run?a=1&b=2&b=c+d`,
    headers: { 'x-mark': 'yes' },
    body: { bytes: 13, complete: true },
  });
  const body = artifact(record, 'body');
  expect(body.metadata).toMatchObject({
    media_type: 'application/json',
    size_bytes: '13',
    sha256: createHash('sha256').update('{"answer":42}').digest('hex'),
  });
  const served = await app.get(body.metadata.href ?? '');
  expect([served.body, served.headers['content-type']]).toEqual(['{"answer":42}', 'application/json']);
});

test('the body artifact shares the bytes of the capture', async () => {
  backend.on('/', bulk(3_000_000));
  const record = await call({ url: backend.url });
  expect(statSync(artifact(record, 'body').path).ino).toBe(statSync(record.result?.stdout_path ?? '').ino);
  expect(record.outcome?.stdout).toMatchObject({ bytes: 3_000_000, kept: 3_000_000 });
});

test('output beyond the limit is counted, not kept', async () => {
  backend.on('/', bulk(1_000_000));
  const record = await app.run({
    runtime_kind: 'http',
    options: { http: { url: backend.url }, max_output_bytes: 1000 },
  });
  expect(record.outcome?.stdout).toMatchObject({ bytes: 1_000_000, kept: 1000 });
  expect(artifact(record, 'body').metadata.size_bytes).toBe('1000');
  expect(response(record).body).toMatchObject({ bytes: 1_000_000, kept: 1000 });
});

test('another status fails, with the beginning of the body in the summary', async () => {
  backend.on('/', status(404, {}, 'there is no\nsuch thing'));
  const record = await call({ url: backend.url });
  expect(record).toMatchObject({
    status: 'failed',
    result: { exit_code: 404 },
    outcome: { ended: 'responded' },
  });
  expect(summary(record)).toBe('HTTP 404 Not Found: there is no such thing');
  expect(stdout(record)).toBe('there is no\nsuch thing');
});

test('expect says which statuses are a success', async () => {
  backend.on('/', status(404));
  expect((await call({ url: backend.url, expect: [404] })).status).toBe('succeeded');
  expect((await call({ url: backend.url, expect: ['4xx'] })).status).toBe('succeeded');
  expect((await call({ url: backend.url, expect: [200] })).status).toBe('failed');
});

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

test('the file of input_payload_path is the body where there is none', async () => {
  backend.on('/', status(200));
  using place = mkdtempDisposableSync(join(tmpdir(), 'runwire-payload-'));
  const file = join(place.path, 'in.json');
  writeFileSync(file, '{"from":"file"}');
  const input = { input_payload_path: file };
  await call({ url: backend.url }, input);
  await call({ url: backend.url, body: 1 }, input);
  expect(backend.seen.map(({ body }) => body)).toEqual(['{"from":"file"}', '1']);
  expect(backend.seen[0]?.headers).toMatchObject({
    'content-length': '15',
    'content-type': 'application/json',
  });
});

test('a refused connection never started and may be tried again', async () => {
  const record = await call({ url: `http://127.0.0.1:${await closedPort()}/` });
  expect(record).toMatchObject({
    status: 'failed',
    result: { exit_code: null },
    outcome: { ended: 'never_started', started: false, retry_safe: true },
  });
  expect(summary(record)).toContain('connection refused');
});

test('a name that does not exist never started', async () => {
  const record = await call({ url: 'http://no-such-host.invalid/' });
  expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'never_started', retry_safe: true } });
});

test.each([
  ['POST', false],
  ['GET', true],
])('after a %s left, a reset is told with retry_safe %s', async (method, retrySafe) => {
  backend.on('/', reset());
  const record = await call({ url: backend.url, method });
  expect(record).toMatchObject({
    status: 'failed',
    result: { exit_code: null },
    outcome: { ended: 'lost', started: true, retry_safe: retrySafe },
  });
});

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

test('the timeout cuts a body that drips; what came is kept', async () => {
  backend.on('/', drip('drop ', 20));
  const record = await call({ url: backend.url }, { timeout_seconds: 0.5 });
  expect(record).toMatchObject({
    status: 'timed_out',
    result: { exit_code: 200 },
    outcome: { ended: 'timed_out', timeout_reason: 'run', retry_safe: false },
  });
  expect(summary(record)).toContain('timeout of 0.5 s');
  expect(stdout(record)).toMatch(/^(drop )+$/);
  await expect.poll(() => backend.connections()).toBe(0);
});

test('the timeout holds where no answer comes, and where no connection does', async () => {
  backend.on('/', hang());
  const silent = await call({ url: backend.url }, { timeout_seconds: 0.3 });
  expect(silent).toMatchObject({ status: 'timed_out', outcome: { started: true, retry_safe: false } });
  await expect.poll(() => backend.connections()).toBe(0);
  // TEST-NET-1: nobody answers there, or the network refuses at once.
  const nobody = await call({ url: 'http://192.0.2.1/' }, { timeout_seconds: 0.3 });
  expect(nobody.outcome).toMatchObject({ started: false, retry_safe: true });
});

test('the timeout holds while a name is looked up', async () => {
  const deaf = { ...addressGuard(), lookup: () => {} };
  await using waiting = buildEngine({ runners: [httpRunner({ guard: deaf, secrets }) as Runner] });
  const record = await waiting.run({
    runtime_kind: 'http',
    timeout_seconds: 0.3,
    options: { http: { url: 'http://localhost:1/' } },
  });
  expect(record).toMatchObject({ status: 'timed_out', outcome: { started: false, retry_safe: true } });
});

test('cancel aborts the socket and keeps what came', async () => {
  backend.on('/', drip('drop ', 10));
  await app.post({ runtime_kind: 'http', invocation_id: 'c', options: { http: { url: backend.url } } });
  await expect.poll(() => readFileSync(app.engine.directory('c').stdout, 'utf8')).toContain('drop');
  await app.request({ method: 'POST', url: '/invocations/c/cancel' });
  await app.engine.waitFinished('c', 10_000);
  const record = app.engine.record('c');
  expect(record).toMatchObject({ status: 'cancelled', outcome: { ended: 'cancelled' } });
  expect(stdout(record)).toMatch(/^(drop )+$/);
  await expect.poll(() => backend.connections()).toBe(0);
});

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
    expect(record).toMatchObject({ status: 'failed', outcome: { started: true, retry_safe: false } });
    expect(summary(record)).toContain('not allowed by this server');
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
    'connection',
    'content-length',
    'content-type',
    'host',
    'user-agent',
  ]);
});

test('rules of the server decide where calls go, by address and by name, at connect', async () => {
  backend.on('/', status(200));
  const guard = addressGuard({ deny: ['127.0.0.0/8', '::1'], allow: ['localhost'] });
  await using strict = buildEngine({ runners: [httpRunner({ guard, secrets }) as Runner] });
  const run = (url: string) => strict.run({ runtime_kind: 'http', options: { http: { url } } });
  expect((await run(backend.url)).status).toBe('rejected');
  expect((await run(backend.url.replace('127.0.0.1', 'localhost'))).status).toBe('succeeded');
  const named = addressGuard({ deny: ['localhost'] });
  await using byName = buildEngine({ runners: [httpRunner({ guard: named, secrets }) as Runner] });
  const denied = await byName.run({
    runtime_kind: 'http',
    options: { http: { url: backend.url.replace('127.0.0.1', 'LOCALHOST') } },
  });
  expect(denied.status).toBe('rejected');
});

test('a name that resolves to a denied address is refused at connect', async () => {
  const guard = addressGuard({ deny: ['127.0.0.0/8', '::1'] });
  await using strict = buildEngine({ runners: [httpRunner({ guard, secrets }) as Runner] });
  const url = backend.url.replace('127.0.0.1', 'localhost');
  const record = await strict.run({ runtime_kind: 'http', options: { http: { url } } });
  expect(record).toMatchObject({ status: 'rejected', outcome: { retry_safe: true } });
  expect(backend.seen).toEqual([]);
});

test('a secret that is echoed by the server is in no record, event, artifact or summary', async () => {
  const basic = Buffer.from('me:swordfish').toString('base64');
  backend.on('/bearer', status(500, { 'x-echo': `Bearer ${SECRET}` }, `you sent ${SECRET}`));
  backend.on('/basic', status(401, { 'x-echo': basic, 'x-too': 'swordfish' }, `${basic} me:swordfish`));
  for (const [path, auth] of [
    ['/bearer', { secret: 'TOKEN' }],
    ['/basic', { secret: 'LOGIN', scheme: 'basic' }],
  ] as const) {
    const id = path.slice(1);
    const record = await call({ url: `${backend.url}${path}`, auth }, { invocation_id: id });
    const told = [
      JSON.stringify(record),
      readFileSync(artifact(record, 'response').path, 'utf8'),
      ...(await app.events(id)).filter(({ type }) => type !== 'stdout').map((event) => JSON.stringify(event)),
    ].join('\n');
    for (const secret of [SECRET, basic, 'swordfish']) expect(told).not.toContain(secret);
    expect(summary(record)).toContain('[redacted]');
  }
  expect(backend.seen.map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${SECRET}`,
    `Basic ${basic}`,
  ]);
});

test('retries are off by default, and follow what on says', async () => {
  backend.on('/', status(503, {}, 'busy'), status(429, { 'retry-after': '0' }), json({ ok: 1 }));
  expect((await call({ url: backend.url })).result?.exit_code).toBe(503);
  backend.on('/', status(503, {}, 'busy'), status(429, { 'retry-after': '0' }), json({ ok: 1 }));
  const record = await call(
    { url: backend.url, retry: { attempts: 5, backoff_seconds: 0.01 } },
    { invocation_id: 'r' },
  );
  expect(record.status).toBe('succeeded');
  expect(stdout(record)).toBe('{"ok":1}');
  expect(response(record).attempts).toBe(3);
  const waits = (await app.events('r')).filter(({ type }) => type === 'progress');
  expect(waits).toMatchObject([{ data: { attempt: 1, status: 503 } }, { data: { attempt: 2, status: 429 } }]);
  backend.on('/', status(503));
  const only = await call({ url: backend.url, retry: { attempts: 5, on: ['429'] } });
  expect(response(only).attempts).toBe(1);
});

test('the last attempt is the answer; a refused connection is tried again where that is wanted', async () => {
  backend.on('/', status(503, {}, 'still busy'));
  const record = await call({ url: backend.url, retry: { attempts: 3, backoff_seconds: 0 } });
  expect(record).toMatchObject({ status: 'failed', result: { exit_code: 503 } });
  expect(stdout(record)).toBe('still busy');
  const url = `http://127.0.0.1:${await closedPort()}/`;
  const refused = await call(
    { url, retry: { attempts: 3, backoff_seconds: 0 } },
    { invocation_id: 'refused' },
  );
  expect(refused.outcome).toMatchObject({ ended: 'never_started', retry_safe: true });
  expect((await app.events('refused')).filter(({ type }) => type === 'progress')).toHaveLength(2);
});

test('the timeout holds while a retry waits for Retry-After', async () => {
  backend.on('/', status(503, { 'retry-after': '3600' }));
  const record = await call({ url: backend.url, retry: { attempts: 2 } }, { timeout_seconds: 0.3 });
  expect(record.status).toBe('timed_out');
});

test('server-sent events and NDJSON are relayed while the response goes on', async () => {
  backend.on('/', events(['data: one', 'data: two'], { open: true }));
  await app.post({ runtime_kind: 'http', invocation_id: 'live', options: { http: { url: backend.url } } });
  await expect
    .poll(() => readFileSync(app.engine.directory('live').stdout, 'utf8'))
    .toBe('data: one\n\ndata: two\n\n');
  expect(app.engine.status('live')).toBe('running');
  app.engine.cancel('live');
  await app.engine.waitFinished('live', 10_000);
  const texts = (await app.events('live')).flatMap((event) => (event.type === 'stdout' ? [event.text] : []));
  expect(texts.join('')).toBe('data: one\n\ndata: two\n\n');
});

test('TLS is verified, against an authority of the run when it gives one', async () => {
  const certificates = makeCertificates();
  await using secure = await startBackend(certificates);
  secure.on('/', status(200));
  const refused = await call({ url: secure.url });
  expect(refused).toMatchObject({ status: 'failed', outcome: { ended: 'never_started', retry_safe: true } });
  expect(summary(refused)).toContain('TLS');
  expect(secure.seen).toEqual([]);
  expect((await call({ url: secure.url, tls: { ca: certificates.ca } })).status).toBe('succeeded');
  expect((await call({ url: secure.url, tls: { verify: false } })).status).toBe('succeeded');
  expect((await call({ url: secure.url, tls: { ca: makeCertificates().ca } })).status).toBe('failed');
  await expect.poll(() => secure.connections()).toBe(0);
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
  ['headers without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}\r\n`, { status: 'failed' }],
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

test('a large file is sent whole, also where it is redirected', async () => {
  using place = mkdtempDisposableSync(join(tmpdir(), 'runwire-payload-'));
  const file = join(place.path, 'large');
  writeFileSync(file, Buffer.alloc(5_000_000, 'z'));
  backend.on('/a', redirect('/b', 307));
  backend.on('/b', status(200));
  expect((await call({ url: `${backend.url}/a` }, { input_payload_path: file })).status).toBe('succeeded');
  expect(backend.seen.map(({ body }) => body.length)).toEqual([5_000_000, 5_000_000]);
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

async function closedPort(): Promise<number> {
  const gone = await startBackend();
  await gone[Symbol.asyncDispose]();
  return Number(new URL(gone.url).port);
}
