import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { SmallDisk } from '../../faults/small-disk.ts';
import { json, startBackend } from '../../fixtures/backend.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { damagedZip } from '../../helpers/damaged-zip.ts';
import { requires } from '../../helpers/require.ts';
import { stubApp } from '../../helpers/stub-app.ts';

let app: BuiltApp;
let url: string;
let place: string;
beforeEach(async () => {
  app = await buildApp({ config: { RUNWIRE_MAX_UPLOAD_BYTES: '1000000', RUNWIRE_MAX_UPLOAD_FILES: '50' } });
  url = await app.listen();
  place = mkdtempSync(join(tmpdir(), 'runwire-sent-'));
});
afterEach(async () => {
  await app.end();
  rmSync(place, { recursive: true, force: true });
});

const uploads = (): string[] => {
  const directory = join(app.dataDir, 'uploads');
  return existsSync(directory) ? readdirSync(directory) : [];
};

type Parts = readonly [name: string, content: string | Uint8Array<ArrayBuffer>, filename?: string][];

function send(
  invocation: object | null,
  parts: Parts = [],
  headers: Record<string, string> = {},
): Promise<Response> {
  const form = new FormData();
  if (invocation)
    form.append('invocation', new Blob([JSON.stringify(invocation)], { type: 'application/json' }));
  for (const [name, content, filename] of parts)
    if (filename === undefined) form.append(name, content as string);
    else form.append(name, new Blob([content]), filename);
  return fetch(`${url}/invocations?wait=20`, { method: 'POST', body: form, headers });
}

async function ran(answer: Promise<Response>): Promise<RunRecord & { out: string }> {
  const response = await answer;
  expect(response.status, await response.clone().text()).toBe(200);
  const record = (await response.json()) as RunRecord;
  const out = await fetch(`${url}/invocations/${record.invocation.invocation_id}/stdout`);
  return { ...record, out: await out.text() };
}

const sh = (script: string, more: object = {}) => ({
  runtime_kind: 'subprocess',
  command: ['sh', '-c', script],
  ...more,
});

test('curl sends files and an archive with the invocation, and the program finds them', async () => {
  mkdirSync(join(place, 'src/deep'), { recursive: true });
  writeFileSync(join(place, 'a.txt'), 'one\ntwo\n');
  writeFileSync(join(place, 'src/deep/run.sh'), '#!/bin/sh\necho ran', { mode: 0o755 });
  symlinkSync('deep/run.sh', join(place, 'src/link'));
  execFileSync('tar', ['czf', 'src.tgz', 'src'], { cwd: place });
  const invocation = JSON.stringify(sh('wc -l in/a.txt && src/link && ls -A'));
  // This process is the server.
  const { stdout: text } = await promisify(execFile)(
    'curl',
    [
      ...['-sS', '-F', `invocation=${invocation};type=application/json`],
      ...['-F', 'f=@a.txt;filename=in/a.txt', '-F', 'archive=@src.tgz', `${url}/invocations?wait=20`],
    ],
    { cwd: place },
  );
  const record = JSON.parse(text) as RunRecord;
  expect(record.status, text).toBe('succeeded');
  const out = await fetch(`${url}/invocations/${record.invocation.invocation_id}/stdout`);
  expect(await out.text()).toBe('2 in/a.txt\nran\nin\nsrc\n');
  expect(uploads()).toEqual([]);
});

test('files stand in the document too: text, bytes, an artifact of another run, with their modes', async () => {
  const made = await ran(send(sh('printf kept >x', { options: { artifacts: ['x'] } })));
  const { artifact_id } = made.result?.artifacts.at(-1) ?? { artifact_id: '' };
  const files = [
    { path: 'bin/hello', text: '#!/bin/sh\necho hello', mode: '0755' },
    { path: 'bytes', base64: Buffer.from([0, 255, 10]).toString('base64') },
    { path: 'of/another', artifact: { invocation_id: made.invocation.invocation_id, artifact_id } },
  ];
  const answer = fetch(`${url}/invocations?wait=20`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sh('bin/hello; od -An -tx1 bytes; cat of/another', { options: { files } })),
  });
  expect((await ran(answer)).out).toBe('hello\n 00 ff 0a\nkept');
  expect(uploads()).toEqual([]);
});

test.each([
  ['/etc/passwd', 'is absolute'],
  ['../up', 'leads out'],
  ['a/../../up', 'leads out'],
  ['a//b', 'empty part'],
  ['', 'empty part'],
])(
  'a file named %j is refused by name, in a part and in the document, and nothing is left',
  async (path, words) => {
    const part = await send(sh('true'), [['f', 'x', path]]);
    // Without a filename it is no file at all.
    expect([path, part.status]).toEqual([path, 422]);
    const given = await fetch(`${url}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sh('true', { options: { files: [{ path, text: 'x' }] } })),
    });
    const problem = (await given.json()) as { errors: { path: string; message: string }[] };
    expect([given.status, problem.errors[0]?.path]).toEqual([422, 'options.files.0.path']);
    if (path !== '') expect(problem.errors[0]?.message).toContain(words);
    await expect.poll(uploads).toEqual([]);
    expect(await (await fetch(`${url}/invocations`)).json()).toMatchObject({ items: [] });
  },
);

test('what is wrong with a request of parts is told by name', async () => {
  const problem = async (answer: Promise<Response>) => {
    const response = await answer;
    const body = (await response.json()) as { code: string; errors?: { path: string }[] };
    return [response.status, body.code, body.errors?.[0]?.path];
  };
  const ok = sh('true');
  expect(await problem(send(null, [['f', 'x', 'a']]))).toEqual([422, 'invalid_field', 'invocation']);
  expect(await problem(send(null, [['invocation', '{"runtime_kind":']]))).toEqual([
    400,
    'malformed_json',
    undefined,
  ]);
  // What curl makes of -F 'invocation={"command":["sh","-c","cd a; ls"]}'.
  const cut = await (await send(null, [['invocation', '{"command":["sh","-c","cd a']])).json();
  expect(cut).toMatchObject({
    detail: expect.stringMatching(
      /^The part invocation is no JSON: Unterminated string .* send it from a file/,
    ),
  });
  const other = await (await send(null, [['invocation', '{,}']])).json();
  expect(other).toMatchObject({
    detail: expect.stringMatching(/^The part invocation is no JSON: (?!.*curl)/),
  });
  // The document under another name.
  const renamed = send(null, [
    ['workspace', JSON.stringify(ok)],
    ['f', 'x', 'a'],
  ]);
  expect(await (await renamed).clone().text()).toContain('a part named invocation has the JSON');
  expect(await problem(renamed)).toEqual([422, 'invalid_field', 'invocation']);
  expect(await problem(send({ ...ok, unknown: 1 }))).toEqual([422, 'invalid_invocation', 'unknown']);
  expect(await problem(send(ok, [['field', 'no file']]))).toEqual([422, 'invalid_field', 'field']);
  expect(
    await problem(
      send(ok, [
        ['a', '1', 'x'],
        ['b', '2', 'x'],
      ]),
    ),
  ).toEqual([422, 'invalid_field', 'x']);
  expect(await problem(send(ok, [['archive', 'not one'.repeat(200), 'a.tar']]))).toEqual([
    422,
    'invalid_field',
    'archive',
  ]);
  expect(await problem(send(ok, [['archive', await damagedZip(), 'a.zip']]))).toEqual([
    422,
    'invalid_field',
    'damaged.txt',
  ]);
  const links = execFileSync('sh', [
    '-c',
    'cd "$(mktemp -d)"; mkdir e; ln -s .. e/l; ln -s l/.. e/m; tar c e; rm -r "$PWD"',
  ]);
  expect(await problem(send(ok, [['archive', links, 'a.tar']]))).toEqual([422, 'invalid_field', 'e/m']);
  expect(await problem(send(ok, [['a', 'x'.repeat(1_000_001), 'x']]))).toEqual([
    413,
    'body_too_large',
    undefined,
  ]);
  const many = Array.from({ length: 51 }, (_, i) => ['f', '', `f${i}`] as [string, string, string]);
  expect(await problem(send(ok, many))).toEqual([413, 'body_too_large', undefined]);
  await expect.poll(uploads).toEqual([]);
});

test('files and a directory that is named do not go together, which says what to do', async () => {
  const named = sh('true', { working_directory: place });
  const answers = [
    send(named, [['a', '1', 'x']]),
    fetch(`${url}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...named, options: { files: [{ path: 'x', text: '1' }] } }),
    }),
  ];
  for (const answer of await Promise.all(answers)) {
    const problem = (await answer.json()) as { errors: { path: string; message: string }[] };
    expect([answer.status, problem.errors[0]?.path]).toEqual([422, 'working_directory']);
    expect(problem.errors[0]?.message).toMatch(/leave it out, and have the command copy/);
  }
  expect(readdirSync(place)).toEqual([]);
});

test('the same id with the same files is the same run, with other files another', async () => {
  const invocation = sh('cat f', { invocation_id: 'twice' });
  const first = await ran(send(invocation, [['f', 'one', 'f']]));
  expect(first.out).toBe('one');
  const again = await send(invocation, [['other-field', 'one', 'f']]);
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
  for (const parts of [[['f', 'two', 'f']], [['f', 'one', 'g']], []] as Parts[])
    expect((await send(invocation, parts)).status).toBe(409);
  await expect.poll(uploads).toEqual([]);
});

test.each([
  ['an id', 409, { invocation_id: 'again' }, {}],
  ['an Idempotency-Key', 422, {}, { 'idempotency-key': 'again' }],
])(
  'files that came before the document count too: others with %s are %d',
  async (_what, status, more, headers) => {
    const post = (text: string): Promise<Response> => {
      const form = new FormData();
      form.append('f', new Blob([text]), 'f');
      form.append('invocation', new Blob([JSON.stringify(sh('cat f', more))]));
      form.append('g', new Blob([text]), 'g');
      return fetch(`${url}/invocations?wait=20`, {
        method: 'POST',
        body: form,
        headers: headers as Record<string, string>,
      });
    };
    const long = 'one'.repeat(100_000);
    expect((await ran(post(long))).out).toBe(long);
    expect((await post(long)).headers.get('idempotency-replayed')).toBe('true');
    expect((await post(`${long}!`)).status).toBe(status);
  },
);

test('a connection whose files were refused in the middle takes a next request', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('latin1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  const head = '--B\r\nContent-Disposition: form-data; name="f"; filename="../a"\r\n\r\n';
  const body = `${head}${'x'.repeat(900_000)}\r\n--B--`;
  socket.write(
    `POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ${body.length}\r\n\r\n${body}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  await expect.poll(() => text).toMatch(/^HTTP\/1\.1 422 .*HTTP\/1\.1 200 /s);
  socket.destroy();
});

test('a page of another site cannot send them', async () => {
  for (const headers of [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
  ])
    expect((await send(sh('true'), [['f', 'x', 'a']], headers as Record<string, string>)).status).toBe(403);
});

test('a client that leaves in the middle leaves nothing', async () => {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  const head = '--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n';
  socket.write(
    `POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 100000\r\n\r\n${head}${'x'.repeat(5000)}`,
  );
  await expect.poll(uploads).toHaveLength(1);
  socket.destroy();
  await expect.poll(uploads).toEqual([]);
  expect(await (await fetch(`${url}/invocations`)).json()).toMatchObject({ items: [] });
});

test('files may take as long as they need while they come; where nothing comes any more it is 408, and nothing is left', async () => {
  await using stub = stubApp({}, { headersMs: 60_000, bodyMs: 300, lookMs: 1000 });
  const socket = connect(Number(new URL(await stub.listen()).port), '127.0.0.1').setEncoding('latin1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(
    'POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 100000\r\n\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n',
  );
  for (let i = 0; i < 12; i++) {
    socket.write('x'.repeat(10));
    await sleep(100);
  }
  expect(text).toBe('');
  await expect.poll(() => text).toMatch(/^HTTP\/1\.1 408 /);
  socket.destroy();
});

test('a call may have one of them as its body', async () => {
  await using backend = await startBackend();
  backend.on('/', json({}));
  const http = { runtime_kind: 'http', input_payload_path: 'in/a', options: { http: { url: backend.url } } };
  expect((await ran(send(http, [['f', '{"from":"file"}', 'in/a']]))).status).toBe('succeeded');
  expect(backend.seen[0]?.body).toBe('{"from":"file"}');
});

requires('mount')('Files on a disk that is full', () => {
  test('are 507, and nothing of them is left', async () => {
    using disk = new SmallDisk(8 * 1024 * 1024);
    const small = await buildApp({ dataDir: disk.path, config: { RUNWIRE_MIN_FREE_DISK_BYTES: '0' } });
    try {
      const form = new FormData();
      form.append('invocation', JSON.stringify(sh('true')));
      form.append('f', new Blob(['x'.repeat(10_000_000)]), 'big');
      const answer = await fetch(`${await small.listen()}/invocations`, { method: 'POST', body: form });
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        507,
        'insufficient_storage',
      ]);
      await expect.poll(() => readdirSync(join(disk.path, 'uploads'))).toEqual([]);
    } finally {
      await small.end();
    }
  });
});

test('the document may be there once: nobody knows which of two is meant', async () => {
  const refused = await send(sh('echo one'), [['invocation', JSON.stringify(sh('echo two'))]]);
  expect([refused.status, await refused.json()]).toMatchObject([
    422,
    { errors: [{ path: 'invocation', message: 'is there more than once' }] },
  ]);
  expect(await (await fetch(`${url}/invocations`)).json()).toMatchObject({ items: [] });
  await expect.poll(uploads).toEqual([]);
});

test('a name of a part that is not UTF-8 is refused: it would be another one', async () => {
  const boundary = 'b';
  const head = `--b\r\nContent-Disposition: form-data; name="f"; filename="caf`;
  const body = Buffer.concat([
    Buffer.from(head),
    Buffer.from([0xe9]),
    Buffer.from('"\r\n\r\nx\r\n--b--\r\n'),
  ]);
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  const refused = await fetch(`${url}/invocations`, { method: 'POST', headers, body });
  expect([refused.status, await refused.json()]).toMatchObject([
    422,
    { errors: [{ message: expect.stringContaining('is not UTF-8') }] },
  ]);
});

test('a boundary that is too long for a form is a fault of the request', async () => {
  const boundary = 'b'.repeat(300);
  const body = `--${boundary}--\r\n`;
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  const refused = await fetch(`${url}/invocations`, { method: 'POST', headers, body });
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { code: 'bad_request', detail: expect.stringContaining('boundary') },
  ]);
});
