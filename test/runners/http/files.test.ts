import { hash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempDisposableSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpRunner } from '../../../runners/http/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { SmallDisk } from '../../faults/small-disk.ts';
import { bulk, json, reset, status } from '../../fixtures/backend.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { own } from '../../helpers/own-id.ts';
import { until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { app, backend, call, secrets, summary } from './scene.ts';

let place: ReturnType<typeof mkdtempDisposableSync>;
let work: string;
beforeEach(() => {
  place = mkdtempDisposableSync(join(tmpdir(), 'runwire-http-files-'));
  work = join(place.path, 'work');
  mkdirSync(work);
});
afterEach(() => place.remove());

const at = (path: string): string => join(work, path);
const inWork = (http: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  call({ url: backend.url, ...http }, { working_directory: work, ...more });

/** A server that takes bytes as they are: of each request its facts and the hash of its body. */
async function hashing(
  answer: (response: ServerResponse, count: number) => void,
  take?: (request: IncomingMessage) => Promise<void>,
) {
  const seen: { method: string; url: string; length: string | undefined; sha256: string; type?: string }[] =
    [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    await take?.(request);
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = '', url = '', headers } = request;
    const type = headers['content-type'];
    seen.push({
      method,
      url,
      length: headers['content-length'],
      sha256: hash('sha256', Buffer.concat(chunks)),
      ...(type && { type }),
    });
    answer(response, seen.length);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('body_file is sent with its length, again on a retry and on a 307, and as what it is', async () => {
  const bytes = randomBytes(300_000);
  mkdirSync(at('deep'));
  writeFileSync(at('deep/body.bin'), bytes);
  const target = await hashing((response, count) => {
    if (count === 1) response.writeHead(503).end();
    else if (count === 2) response.writeHead(307, { location: '/again' }).end();
    else response.end('taken');
  });
  const record = await inWork({
    url: `${target.url}/first`,
    body_file: 'deep/body.bin',
    retry: { attempts: 2, backoff_seconds: 0 },
  });
  target.close();
  expect(record).toMatchObject({ status: 'succeeded', result: { exit_code: 200 } });
  const sent = {
    method: 'POST',
    length: '300000',
    sha256: hash('sha256', bytes),
    type: 'application/octet-stream',
  };
  expect(target.seen).toEqual([
    { ...sent, url: '/first' },
    { ...sent, url: '/first' },
    { ...sent, url: '/again' },
  ]);
});

test('body_file comes with the run itself, in the directory that the server makes', async () => {
  backend.on('/', status(200));
  const record = await call(
    { url: backend.url, body_file: 'in/a.json', body_format: 'json', headers: { 'x-a': '1' } },
    {},
  );
  expect(record).toMatchObject({
    status: 'rejected',
    result: { error_summary: 'http.body_file: "in/a.json" is not there' },
  });
  const sent = await app.run({
    runtime_kind: 'http',
    options: {
      http: { url: backend.url, body_file: 'in/a.json', body_format: 'json' },
      files: [{ path: 'in/a.json', text: '{"a":1}' }],
    },
  });
  expect(sent.status).toBe('succeeded');
  expect(backend.seen).toMatchObject([
    { body: '{"a":1}', headers: { 'content-type': 'application/json', 'content-length': '7' } },
  ]);
});

test('an empty body_file is a body of no bytes', async () => {
  backend.on('/', status(200));
  writeFileSync(at('empty'), '');
  expect((await inWork({ body_file: 'empty' })).status).toBe('succeeded');
  expect(backend.seen).toMatchObject([{ body: '', headers: { 'content-length': '0' } }]);
});

test('body_file is before input_payload_path, and not beside a body', async () => {
  backend.on('/', status(200));
  writeFileSync(at('a'), 'of body_file');
  writeFileSync(at('b'), 'of input_payload_path');
  await inWork({ body_file: 'a' }, { input_payload_path: 'b' });
  expect(backend.seen).toMatchObject([{ body: 'of body_file' }]);
  const refused = await app.post({
    runtime_kind: 'http',
    options: { http: { url: backend.url, body: 1, body_file: 'a' } },
  });
  expect(refused.statusCode).toBe(422);
  expect(refused.json().errors).toEqual([
    { path: 'options.http.body_file', message: 'cannot be given beside a body' },
  ]);
});

test.each([
  ['/etc/passwd', 'is absolute'],
  ['../a', 'leads out of the directory'],
  ['a/../../b', 'leads out of the directory'],
  ['', 'has an empty part'],
  ['a\0b', 'has a NUL'],
])('the path %j is 422 by name, for both fields', async (path, words) => {
  for (const field of ['body_file', 'save_as']) {
    const refused = await app.post({
      runtime_kind: 'http',
      options: { http: { url: backend.url, [field]: path } },
    });
    expect(refused.statusCode).toBe(422);
    expect(refused.json().errors).toMatchObject([
      { path: `options.http.${field}`, message: expect.stringContaining(words) },
    ]);
  }
});

test('no link is followed to a body, and nothing but a file is sent', async () => {
  writeFileSync(join(place.path, 'outside'), 'secret');
  symlinkSync('../outside', at('link'));
  symlinkSync(place.path, at('up'));
  mkdirSync(at('directory'));
  const reasons: [string, string][] = [
    ['link', 'is a link, which is not followed'],
    ['up/outside', 'is a file or a link and no directory'],
    ['directory', 'is no regular file'],
    ['absent', 'is not there'],
    ['no/where', 'is not there'],
  ];
  for (const [path, words] of reasons) {
    const record = await inWork({ body_file: path });
    expect(record).toMatchObject({ status: 'rejected', outcome: { started: false, retry_safe: true } });
    expect(summary(record)).toContain('http.body_file: ');
    expect(summary(record)).toContain(words);
  }
  expect(backend.seen).toEqual([]);
});

test('data of the server is no body, and nothing is saved there, whatever the working directory is', async () => {
  const data = app.dataDir;
  backend.on('/', status(200, {}, 'x'));
  const http = (more: Record<string, unknown>, working_directory: string) =>
    call({ url: backend.url, ...more }, { working_directory });
  const name = data.split('/').at(-1) ?? '';
  const parent = data.slice(0, -name.length - 1);
  expect(summary(await http({ body_file: `${name}/runwire.db` }, parent))).toContain(
    'holds the data of the server',
  );
  expect(backend.seen).toEqual([]);
  const saved = await http({ save_as: `${name}/planted` }, parent);
  expect(saved.status).toBe('failed');
  expect(summary(saved)).toContain('holds the data of the server');
  expect(summary(await http({ body_file: 'runwire.db' }, data))).toContain(
    'working_directory leads to the data of the server',
  );
  expect(existsSync(join(data, 'planted'))).toBe(false);
});

test('a file that becomes shorter ends the call: the other side does not wait for the rest', async () => {
  writeFileSync(at('large'), randomBytes(40_000_000));
  const slow = await hashing(
    (response) => response.end(),
    async () => {
      truncateSync(at('large'), 1000);
      await sleep(50);
    },
  );
  for (const fields of [{ body_file: 'large' }, {}]) {
    writeFileSync(at('large'), randomBytes(40_000_000));
    const record = await inWork({ url: slow.url, ...fields }, { input_payload_path: 'large' });
    expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'lost' } });
    expect(summary(record)).toContain('became shorter while it was sent');
  }
  slow.close();
});

test('a body_file that was changed is not sent a second time', async () => {
  writeFileSync(at('a'), 'first');
  const target = await hashing((response) => {
    appendFileSync(at('a'), ' second');
    response.writeHead(503).end();
  });
  const record = await inWork({
    url: target.url,
    body_file: 'a',
    retry: { attempts: 3, backoff_seconds: 0 },
  });
  target.close();
  expect(target.seen).toHaveLength(1);
  expect(summary(record)).toContain('http.body_file was changed: it is not sent again');
});

test('save_as has the exact bytes of the answer, beside the capture', async () => {
  const bytes = randomBytes(2_000_000);
  backend.on('/', (response) => void response.end(bytes));
  const record = await inWork({ save_as: 'new/deep/answer.bin' });
  expect(record).toMatchObject({ status: 'succeeded', outcome: { stdout: { bytes: 2_000_000 } } });
  expect(readFileSync(at('new/deep/answer.bin')).equals(bytes)).toBe(true);
  expect(statSync(at('new/deep/answer.bin')).mode & 0o777).toBe(0o644);
  expect(readdirSync(at('new/deep'))).toEqual(['answer.bin']);
  const own = await call({ url: backend.url, save_as: 'answer.bin' });
  const file = await app.get(`/invocations/${own.invocation.invocation_id}/files/answer.bin`);
  expect(file.rawPayload.equals(bytes)).toBe(true);
});

test('save_as replaces a file and keeps its mode; an empty answer is an empty file', async () => {
  writeFileSync(at('a'), 'old');
  chmodSync(at('a'), 0o600);
  backend.on('/', status(204));
  expect((await inWork({ save_as: 'a' })).status).toBe('succeeded');
  expect(readFileSync(at('a'), 'utf8')).toBe('');
  expect(statSync(at('a')).mode & 0o777).toBe(0o600);
});

test('only an answer that is a success is saved, and only a whole one', async () => {
  writeFileSync(at('a'), 'old');
  backend.on('/404', status(404, {}, 'not found'));
  backend.on('/cut', async (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half');
    await sleep(20);
    response.destroy();
  });
  backend.on('/reset', reset());
  backend.on('/away', status(302, { location: 'ftp://localhost/' }, 'away'));
  backend.on('/hang', (response) => void response.writeHead(200).write('begin'));
  for (const path of ['/404', '/cut', '/reset', '/away'])
    expect((await inWork({ url: `${backend.url}${path}`, save_as: 'a' })).status).toBe('failed');
  const late = await inWork({ url: `${backend.url}/hang`, save_as: 'a' }, { timeout_seconds: 0.5 });
  expect(late.status).toBe('timed_out');
  expect(readFileSync(at('a'), 'utf8')).toBe('old');
  expect(readdirSync(work)).toEqual(['a']);
  expect((await inWork({ url: `${backend.url}/404`, save_as: 'a', expect: [404] })).status).toBe('succeeded');
  expect(readFileSync(at('a'), 'utf8')).toBe('not found');
});

test('of several attempts the last answer is saved', async () => {
  backend.on('/', status(503, {}, 'a long answer that says no'), json({ ok: true }));
  const record = await inWork({
    save_as: 'a',
    expect: ['2xx', '5xx'],
    retry: { attempts: 2, backoff_seconds: 0 },
  });
  expect([record.status, readFileSync(at('a'), 'utf8')]).toEqual(['succeeded', 'a long answer that says no']);
  backend.on('/', status(503, {}, 'a long answer that says no'), json({ ok: true }));
  await inWork({ save_as: 'a', retry: { attempts: 2, backoff_seconds: 0 } });
  expect(readFileSync(at('a'), 'utf8')).toBe('{"ok":true}');
});

test('no link is followed by save_as: one of the name is replaced, one on the way refuses it', async () => {
  backend.on('/', status(200, {}, 'answer'));
  writeFileSync(join(place.path, 'outside'), 'mine');
  symlinkSync('../outside', at('link'));
  symlinkSync('..', at('up'));
  mkdirSync(at('directory'));
  expect((await inWork({ save_as: 'link' })).status).toBe('succeeded');
  expect(lstatSync(at('link')).isFile()).toBe(true);
  for (const path of ['up/outside', 'up/new', 'directory', 'link/below']) {
    const record = await inWork({ save_as: path });
    expect(record).toMatchObject({
      status: 'failed',
      result: { exit_code: 200, error_summary: expect.stringContaining('http.save_as: ') },
      outcome: { failure: { reason: 'output_lost' } },
    });
  }
  expect(readFileSync(join(place.path, 'outside'), 'utf8')).toBe('mine');
  expect(existsSync(join(place.path, 'new'))).toBe(false);
});

test('an answer longer than max_output_bytes is not saved, and the run says so', async () => {
  backend.on('/', bulk(100_000));
  const record = await call(
    { url: backend.url, save_as: 'a' },
    {
      working_directory: work,
      options: { http: { url: backend.url, save_as: 'a' }, max_output_bytes: 1000 },
    },
  );
  expect(record).toMatchObject({
    status: 'failed',
    result: { error_summary: 'http.save_as: the answer is longer than max_output_bytes (1000)' },
    outcome: { stdout: { bytes: 100_000, kept: 1000 } },
  });
  expect(readdirSync(work)).toEqual([]);
});

test('a working directory is needed by these fields, and by no others', async () => {
  backend.on('/', status(200));
  const absent = { working_directory: at('absent') };
  expect((await call({ url: backend.url }, absent)).status).toBe('succeeded');
  expect(summary(await call({ url: backend.url, save_as: 'a' }, absent))).toContain(
    'working directory does not exist',
  );
});

test('what a server that died had written of an answer is removed by the next one, which says that it is lost', async () => {
  backend.on('/', (response) => void response.writeHead(200).write('begin'));
  const invocation_id = own('dies');
  await app.post({
    invocation_id,
    runtime_kind: 'http',
    working_directory: work,
    options: { http: { url: backend.url, save_as: 'a' } },
  });
  const part = (dataDir: string): string => join(dataDir, 'runs', invocation_id, 'answer');
  await until(() => existsSync(part(app.dataDir)), 'the answer has begun');
  const dataDir = await app.crash();
  expect(existsSync(part(dataDir))).toBe(true);
  const runner = httpRunner({ guard: addressGuard(), secrets, places: new PrivatePlaces(dataDir) }) as Runner;
  await using next = buildEngine({ dataDir, runners: [runner] });
  const record = (await next.get(`/invocations/${invocation_id}?wait=20`)).json();
  expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'lost' } });
  expect(existsSync(part(dataDir))).toBe(false);
  expect(readdirSync(work)).toEqual([]);
});

test('in a workspace they are its files, for the runs that come after too; no link leads out of it', async () => {
  backend.on('/', status(200, {}, 'answer'));
  const workspace = own('files');
  await app.workspaces.create({ workspace_id: workspace });
  const { root } = app.workspaces.tree(workspace);
  mkdirSync(join(root, 'sub'));
  symlinkSync(place.path, join(root, 'out'));
  const run = (http: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    call(http, { options: { http: { url: backend.url, ...http }, workspace }, ...more });
  const saved = await run({ save_as: 'a' }, { working_directory: 'sub' });
  expect(saved).toMatchObject({ status: 'succeeded', outcome: { workspace: { id: workspace, bytes: 6 } } });
  expect(readFileSync(join(root, 'sub/a'), 'utf8')).toBe('answer');
  await run({ body_file: 'sub/a' });
  expect(backend.seen.at(-1)?.body).toBe('answer');
  expect((await run({ save_as: 'planted' }, { working_directory: 'out' })).status).toBe('rejected');
  expect((await run({ save_as: 'out/planted' })).status).toBe('failed');
  expect(existsSync(join(place.path, 'planted'))).toBe(false);
});

requires('mount')('save_as into another file system', () => {
  test('is whole there too, or absent where it is full', async () => {
    using disk = new SmallDisk(1_000_000);
    backend.on('/', bulk(300_000));
    const http = { url: backend.url, save_as: 'a' };
    expect((await call(http, { working_directory: disk.path })).status).toBe('succeeded');
    expect(statSync(join(disk.path, 'a')).size).toBe(300_000);
    expect(readdirSync(disk.path)).toEqual(['a']);
    backend.on('/', bulk(3_000_000));
    const record = await call(http, { working_directory: disk.path });
    expect(record).toMatchObject({ status: 'failed', outcome: { failure: { reason: 'output_lost' } } });
    expect(summary(record)).toContain('http.save_as: the disk of the server is full (ENOSPC)');
    expect(readdirSync(disk.path)).toEqual(['a']);
    expect(statSync(join(disk.path, 'a')).size).toBe(300_000);
  });
});
