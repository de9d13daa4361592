import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf, post } from '../../helpers/worker.ts';
import { app, fresh, get, send, server, TOKEN, url, worker } from './scene.ts';

test('the token of a claim opens the reports of its run and nothing else', async () => {
  const other = await fresh();
  expect((await worker.heartbeat()).status).toBe(200);
  for (const [method, name] of [
    ['GET', 'events'],
    ['GET', 'artifacts'],
    ['GET', ''],
    ['POST', 'cancel'],
    ['DELETE', ''],
    ['GET', 'artifacts/x'],
  ] as const) {
    const response = await fetch(url(name).replace(/\/$/, ''), { method, headers: worker.authorization });
    expect([method, name, response.status]).toEqual([method, name, 401]);
  }
  for (const path of ['/invocations', '/manual/claims', '/runtimes'])
    expect((await fetch(server + path, { headers: worker.authorization })).status).toBe(401);
  expect((await post(url('heartbeat', other.id), null, worker.authorization)).status).toBe(401);
  expect((await post(url('heartbeat', 'unknown'), null, worker.authorization)).status).toBe(401);
});

test.each([
  ['an empty authorization', ''],
  ['a bearer without token', 'Bearer'],
  ['a guess', 'Bearer rwc_guess'],
  ['another scheme', 'Basic x'],
  ['a very long token', `Bearer ${'x'.repeat(5000)}`],
])('%s is not that of a worker', async (_name, authorization) => {
  const answer = await post(url('heartbeat'), null, { authorization });
  expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthorized']);
  const upload = await fetch(url('artifacts/x'), { method: 'PUT', headers: { authorization }, body: 'x' });
  expect(upload.status).toBe(401);
});

test('who has the token of the server is no worker', async () => {
  expect((await post(url('heartbeat'), null, TOKEN)).status).toBe(401);
  expect((await post(url('heartbeat', 'unknown'), null, TOKEN)).status).toBe(404);
});

test('events are taken as NDJSON too, byte for byte', async () => {
  const bytes = randomBytes(300);
  const lines = [
    { type: 'stdout', text: 'one\n' },
    { type: 'stdout', base64: bytes.toString('base64'), phase: 'setup' },
    { type: 'progress', data: [1, { a: null }] },
  ];
  const body = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n\n`;
  for (const type of ['application/x-ndjson', 'application/jsonl; charset=utf-8'])
    expect((await send(body, type)).status).toBe(200);
  expect((await get('stdout')).toString()).toBe('one\none\n');
  expect((await get('stdout?phase=setup')).equals(Buffer.concat([bytes, bytes]))).toBe(true);
});

test('what a worker tells keeps its digits, in one form and the other, with a byte order mark before it or not', async () => {
  const line = '{"type":"progress","data":{"id":9007199254740993,"p":1.10}}';
  await send(`\ufeff${line}\n\n${line}`, 'application/x-ndjson');
  await send(`\ufeff[${line}]`, 'application/json');
  const events = (await get('events?follow=false')).toString();
  expect(events.split('"data":{"id":9007199254740993,"p":1.10}')).toHaveLength(4);
});

const ONE = '{"type":"stdout","text":"x"}';

test.each([
  ['a torn line', `${ONE}\n{"type":`, 'application/x-ndjson', 400, 'malformed_json'],
  ['an unknown type', `${ONE}\n{"type":"other"}`, 'application/x-ndjson', 422, 'invalid_field'],
  ['output without bytes', `[${ONE},{"type":"stderr"}]`, 'application/json', 422, 'invalid_field'],
  [
    'bytes in two forms',
    `[${ONE},{"type":"stdout","text":"y","base64":"eQ=="}]`,
    'application/json',
    422,
    'invalid_field',
  ],
  ['what is no base64', `[${ONE},{"type":"stdout","base64":"%"}]`, 'application/json', 422, 'invalid_field'],
  ['a hole', `[${ONE},{"type":"stdout","offset":9,"text":"y"}]`, 'application/json', 422, 'invalid_field'],
  ['a status', `[${ONE},{"type":"status","status":"running"}]`, 'application/json', 422, 'invalid_field'],
  ['an event alone', ONE, 'application/json', 422, 'invalid_field'],
  ['plain text', 'x', 'text/plain', 415, 'unsupported_media_type'],
  [
    'too much',
    JSON.stringify([{ type: 'stdout', text: 'x'.repeat(20_000) }]),
    'application/json',
    413,
    'body_too_large',
  ],
  ['nothing', '', 'application/json', 422, 'invalid_field'],
])('of a batch with %s nothing is taken', async (_name, body, type, status, code) => {
  const response = await send(body, type);
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
  expect((await get('stdout')).length).toBe(0);
});

test('a batch that is sent again with its offsets is taken once', async () => {
  const batch = [
    { type: 'stdout', offset: 0, text: 'aé' },
    { type: 'stderr', offset: 0, text: 'e' },
    { type: 'stdout', offset: 3, text: 'b' },
  ];
  for (let time = 0; time < 3; time++) expect((await worker.events(batch)).status).toBe(200);
  await worker.events([
    { type: 'stdout', offset: 2, base64: Buffer.from('\xa9bc', 'latin1').toString('base64') },
  ]);
  expect((await get('stdout')).toString()).toBe('aébc');
  expect((await get('stderr')).toString()).toBe('e');
});

test('offsets count each phase for itself', async () => {
  const batch = [
    { type: 'stdout', phase: 'setup', offset: 0, text: 'get' },
    { type: 'stdout', phase: 'command', offset: 0, text: 'do' },
    { type: 'stdout', phase: 'setup', offset: 3, text: ' ready' },
    { type: 'stdout', offset: 2, text: ' it' },
  ];
  for (let time = 0; time < 2; time++) expect((await worker.events(batch)).status).toBe(200);
  expect((await get('stdout')).toString()).toBe('do it');
  expect((await get('stdout?phase=setup')).toString()).toBe('get ready');
  const hole = await worker.events([{ type: 'stdout', phase: 'setup', offset: 10, text: 'x' }]);
  expect([hole.status, JSON.stringify(hole.body)]).toEqual([
    422,
    expect.stringContaining('0.offset: stdout of the setup was reported up to byte 9'),
  ]);
});

test('a character that is cut in two comes together in its own phase', async () => {
  const [high, low] = ['\ud83d', '\ude00'];
  const body = [
    { type: 'stdout', phase: 'setup', text: `a${high}` },
    { type: 'stdout', text: `b${high}` },
    { type: 'stdout', phase: 'setup', text: `${low}c` },
    { type: 'stdout', phase: 'command', text: `${low}d` },
  ];
  expect((await worker.events(body)).status).toBe(200);
  expect((await get('stdout?phase=setup')).toString()).toBe('a😀c');
  expect((await get('stdout')).toString()).toBe('b😀d');
});

test('the captures of a setup are named in a completion where there was one, and no upload has their names', async () => {
  const completion = { status: 'succeeded', artifacts: ['stdout', 'setup_stdout', 'setup_stderr'] };
  expect((await worker.complete(completion)).status).toBe(422);
  expect((await worker.put('Setup_stdout', 'x')).status).toBe(422);
  await worker.events([{ type: 'stderr', phase: 'setup', text: 'x' }]);
  expect((await worker.complete(completion)).status).toBe(200);
});

test.each([
  [{ status: 'running' }, 'status'],
  [{ status: 'succeeded', exit_code: 1.5 }, 'exit_code'],
  [{ status: 'succeeded', invocation_id: 'other' }, 'invocation_id'],
  [{ status: 'succeeded', runtime_name: 'other' }, 'runtime_name'],
  [{ status: 'succeeded', runtime_kind: 'docker' }, 'runtime_kind'],
  [{ status: 'succeeded', artifacts: ['stdout', 'absent'] }, 'artifacts.1'],
  [{ status: 'succeeded', artifacts: [{ artifact_id: 'absent' }] }, 'artifacts.0'],
  [{ status: 'succeeded', metadata: { a: 1 } }, 'metadata.a'],
  [{ status: 'succeeded', surprise: 1 }, 'surprise'],
  [{}, 'status'],
])('the completion %j is refused by name, and the run goes on', async (completion, path) => {
  const { status, body } = await worker.complete(completion);
  expect([status, (body as { errors: { path: string }[] }).errors[0]?.path]).toEqual([422, path]);
  expect((await worker.complete({ status: 'succeeded' })).status).toBe(200);
});

test.each(['succeeded', 'failed', 'timed_out', 'cancelled', 'rejected'])(
  'a worker may say that the run %s',
  async (status) => {
    const answer = await worker.complete({ status, exit_code: null, error_summary: 'in words' });
    expect(answer).toMatchObject({
      status: 200,
      body: { status, result: { status, exit_code: null, error_summary: 'in words' } },
    });
  },
);

test('what the server keeps of a claim does not hold its token, and others cannot read it', async () => {
  await worker.put('a', 'x');
  const file = `${app.engine.directory(worker.id).root}/claims.json`;
  expect(statSync(file).mode & 0o077).toBe(0);
  const { readFileSync } = await import('node:fs');
  expect(readFileSync(file, 'utf8')).not.toContain(worker.claimed.claim.token);
});
