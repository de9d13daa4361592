import { createHash } from 'node:crypto';
import { mkdtempDisposableSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bulk, events, json, reset, status } from '../../fixtures/backend.ts';
import { app, artifact, backend, call, closedPort, response, stdout, summary } from './scene.ts';

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

test('a file of /proc is not sent, as if it were empty or for what it says of the server', async () => {
  backend.on('/', status(200));
  const payload = await call({ url: backend.url }, { input_payload_path: '/proc/self/status' });
  expect([payload.status, summary(payload)]).toEqual([
    'rejected',
    'input_payload_path is a file of /proc, which has no content of its own: /proc/self/status',
  ]);
  const inner = await call({ url: backend.url, body_file: 'status' }, { working_directory: '/proc/self' });
  expect([inner.status, summary(inner)]).toEqual([
    'rejected',
    'http.body_file: "status" is a file of /proc, which has no content of its own',
  ]);
  expect(backend.seen).toEqual([]);
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
