import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { codeOf, post, Worker } from '../../helpers/worker.ts';

const TOKEN = { authorization: 'Bearer the-token-of-the-server' };
let app: BuiltApp;
let server: string;
let worker: Worker;
beforeEach(async () => {
  app = await buildApp({
    config: {
      RUNWIRE_TOKEN: 'the-token-of-the-server',
      RUNWIRE_MAX_BODY_BYTES: '10000',
      RUNWIRE_MAX_ARTIFACT_BYTES: '200000',
      RUNWIRE_MAX_ARTIFACTS_BYTES: '300000',
      RUNWIRE_MAX_ARTIFACTS_COUNT: '3',
    },
  });
  server = await app.listen();
  worker = await fresh();
});
afterEach(() => app.end());

async function fresh(lease_seconds = 60): Promise<Worker> {
  await post(`${server}/invocations`, { runtime_kind: 'manual' }, TOKEN);
  const claimed = await Worker.claim(server, { lease_seconds }, TOKEN);
  if (claimed === null) throw new Error('no run came');
  return claimed;
}

const url = (name: string, id = worker.id) => `${server}/invocations/${id}/${name}`;
const get = async (name: string) => {
  const response = await fetch(url(name), { headers: TOKEN });
  return Buffer.from(await response.arrayBuffer());
};
const send = (body: string | Buffer<ArrayBuffer>, type: string) =>
  fetch(url('events'), {
    method: 'POST',
    headers: { ...worker.authorization, 'content-type': type },
    body,
  });

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
  const whole = Buffer.concat([Buffer.from('one\n'), bytes]);
  expect((await get('stdout')).equals(Buffer.concat([whole, whole]))).toBe(true);
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

test('a file longer than JSON may be is streamed, hashed and served as it was', async () => {
  const bytes = randomBytes(150_000);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const { status, body } = await worker.put('some.bin', bytes, 'application/x-some');
  expect([status, body]).toEqual([
    200,
    {
      schema_version: '0.1',
      contract_kind: 'artifact_descriptor',
      artifact_id: 'some.bin',
      path: expect.stringMatching(/some\.bin$/),
      kind: 'file',
      description: 'some.bin',
      metadata: {
        size_bytes: '150000',
        sha256: hash,
        media_type: 'application/x-some',
        href: `/invocations/${worker.id}/artifacts/some.bin`,
        modified_at: expect.stringMatching(/Z$/),
      },
    },
  ]);
  await worker.put('empty', '');
  await worker.complete({ status: 'succeeded' });
  expect((await get('artifacts/some.bin')).equals(bytes)).toBe(true);
  expect((await get('artifacts/empty')).length).toBe(0);
});

test('a second file with the same id takes the place of the first', async () => {
  await worker.put('a', 'first');
  await worker.put('a', 'second, and longer');
  const { body } = await worker.complete({ status: 'succeeded', artifacts: ['a'] });
  const { artifacts } = (body as { result: { artifacts: { artifact_id: string }[] } }).result;
  expect(artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr', 'a']);
  expect((await get('artifacts/a')).toString()).toBe('second, and longer');
});

test.each([
  'stdout',
  'STDERR',
  '.hidden',
  '..%2Fup',
  '%2e%2e%2f%2e%2e%2fclaims.json',
  'a%20b',
  'a%00',
  'é',
  'x'.repeat(129),
])('the id %s is none for a file', async (id) => {
  const { status } = await worker.put(id, 'x');
  expect([400, 404, 422]).toContain(status);
  expect(filesOf(worker.id).filter((name) => name.startsWith('upload-'))).toEqual([]);
});

test('ids that some file systems take for the same are not both taken', async () => {
  expect((await worker.put('Report', 'x')).status).toBe(200);
  expect((await worker.put('report', 'y')).status).toBe(422);
  expect((await worker.put('Report', 'z')).status).toBe(200);
});

test('files are bounded each, together and in number, and what is refused leaves nothing', async () => {
  const refused = async (id: string, size: number) => {
    const answer = await worker.put(id, Buffer.alloc(size));
    expect([answer.status, codeOf(answer)]).toEqual([413, 'body_too_large']);
  };
  await refused('large', 200_001);
  expect((await worker.put('a', Buffer.alloc(200_000))).status).toBe(200);
  await refused('b', 100_001);
  expect((await worker.put('b', Buffer.alloc(50_000))).status).toBe(200);
  expect((await worker.put('a', Buffer.alloc(10))).status).toBe(200);
  expect((await worker.put('c', Buffer.alloc(10))).status).toBe(200);
  await refused('d', 0);
  expect((await worker.put('c', Buffer.alloc(20))).status).toBe(200);
  expect(filesOf(worker.id).filter((name) => name.startsWith('upload-'))).toEqual([]);
});

test('a file of unknown length is bounded too, while it comes', async () => {
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const sending = request(url('artifacts/endless'), { method: 'PUT', headers: worker.authorization });
    sending.on('response', (response) => resolve(response.resume().statusCode));
    sending.on('error', reject);
    for (let count = 0; count < 30; count++) sending.write(Buffer.alloc(10_000));
    sending.end();
  });
  expect(answer).toBe(413);
  expect(filesOf(worker.id).filter((name) => name.startsWith('upload-'))).toEqual([]);
});

test('an upload that breaks off leaves the file that was there', async () => {
  await worker.put('a', 'whole');
  const sending = request(url('artifacts/a'), {
    method: 'PUT',
    headers: { ...worker.authorization, 'content-length': '1000' },
  });
  sending.on('error', () => {});
  sending.write('half');
  await expect.poll(() => filesOf(worker.id).some((name) => name.startsWith('upload-'))).toBe(true);
  sending.destroy();
  await expect.poll(() => filesOf(worker.id).some((name) => name.startsWith('upload-'))).toBe(false);
  await worker.complete({ status: 'succeeded' });
  expect((await get('artifacts/a')).toString()).toBe('whole');
});

test('an upload that outlasts its claim is refused; one that goes on keeps its claim', async () => {
  const slow = await fresh(0.5);
  const sending = request(`${server}/invocations/${slow.id}/artifacts/slow`, {
    method: 'PUT',
    headers: slow.authorization,
  });
  const answer = new Promise<number | undefined>((resolve, reject) => {
    sending.on('response', (response) => resolve(response.resume().statusCode));
    sending.on('error', reject);
  });
  for (let count = 0; count < 6; count++) {
    sending.write('x');
    await sleep(200);
  }
  expect((await slow.heartbeat()).status).toBe(200);
  await sleep(1000); // now the lease ends
  sending.end('y');
  expect(await answer).toBe(409);
  expect(existsSync(`${app.engine.directory(slow.id).artifacts}/slow`)).toBe(false);
});

test('what the server keeps of a claim does not hold its token, and others cannot read it', async () => {
  await worker.put('a', 'x');
  const file = `${app.engine.directory(worker.id).root}/claims.json`;
  expect(statSync(file).mode & 0o077).toBe(0);
  const { readFileSync } = await import('node:fs');
  expect(readFileSync(file, 'utf8')).not.toContain(worker.claimed.claim.token);
});

function filesOf(id: string): string[] {
  return readdirSync(app.engine.directory(id).root);
}
