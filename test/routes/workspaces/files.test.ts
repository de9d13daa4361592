import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request as begin } from 'node:http';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FileEntry } from '../../../src/documents/file-entry.ts';
import { damagedZip } from '../../helpers/damaged-zip.ts';
import { ask, sendRaw } from '../../helpers/raw-http.ts';
import { type StubApp, stubApp } from '../../helpers/stub-app.ts';

let stub: StubApp;
let origin: string;
let id: string;
let root: string;
beforeEach(async () => {
  stub = stubApp({ maxUploadBytes: 2_000_000, maxUploadFiles: 12_000 });
  origin = await stub.listen();
  id = `w-${randomUUID()}`;
  await stub.workspaces.create({ workspace_id: id });
  root = stub.workspaces.rootOf(id);
});
afterEach(async () => {
  expect(readdirSync(stub.workspaces.besideOf(id))).toEqual([]);
  expect(stub.logged).toEqual([]);
  await stub[Symbol.asyncDispose]();
});

const to = (rest: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${origin}/workspaces/${id}/${rest}`, init);
const put = (
  path: string,
  body: Buffer<ArrayBuffer> | string | null,
  headers: Record<string, string> = {},
): Promise<Response> => to(`files/${path}`, { method: 'PUT', body, headers });
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const codeOf = async (answer: Response): Promise<[number, string]> => [
  answer.status,
  ((await answer.json()) as { code: string }).code,
];

test.each(['**', 'a/**', '**/*.txt', 'a/*/1.*', '{a,b}/d?/**', 'b'])(
  'pages of what the glob %s matches have all of it',
  async (glob) => {
    for (const path of [
      'a/d1/1.txt',
      'a/d1/2.txt',
      'a/d1/e/3.txt',
      'a/d2/1.bin',
      'a/d2/1.txt',
      'b/d1/1.txt',
      'c',
    ])
      await put(path, 'x');
    const page = async (query: string) =>
      (await (await to(`files?glob=${encodeURIComponent(glob)}${query}`)).json()) as {
        items: FileEntry[];
        next_cursor: string | null;
      };
    const all = (await page('')).items.map(({ path }) => path);
    expect(all).not.toEqual([]);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { items, next_cursor }: Awaited<ReturnType<typeof page>> = await page(
        `&limit=1${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...items.map(({ path }) => path));
      cursor = next_cursor;
    }
    expect(seen).toEqual(all);
  },
);

describe('PUT', () => {
  test('makes a file and replaces it, exact, and its tag is the one that GET gives', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) % 256));
    const made = await put('a/b.bin', bytes);
    expect([made.status, made.headers.get('location')]).toEqual([201, `/workspaces/${id}/files/a/b.bin`]);
    const got = await to('files/a/b.bin');
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
    expect(got.headers.get('etag')).toBe(made.headers.get('etag'));
    const again = await put('a/b.bin', 'two');
    expect([again.status, await again.text(), read('a/b.bin')]).toEqual([204, '', 'two']);
    const head = await to('files/a/b.bin', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
      200,
      '3',
      again.headers.get('etag'),
    ]);
    const part = await to('files/a/b.bin', { headers: { range: 'bytes=1-' } });
    expect([part.status, await part.text()]).toEqual([206, 'wo']);
  });

  test('takes a file and not a form with one in it', async () => {
    const form = new FormData();
    form.append('file', new Blob(['one']), 'f');
    const answer = await to('files/f', { method: 'PUT', body: form });
    expect([answer.status, await answer.json()]).toMatchObject([
      415,
      { code: 'unsupported_media_type', detail: expect.stringContaining('curl -T FILE, not -F') },
    ]);
    expect(readdirSync(root)).toEqual([]);
  });

  test('takes no bytes, and bytes of unknown length, in chunks', async () => {
    expect((await put('empty', null)).status).toBe(201);
    expect((await put('zero', '')).status).toBe(201);
    const stream = new ReadableStream({
      start(controller) {
        for (const text of ['a', 'b', 'c']) controller.enqueue(Buffer.from(text));
        controller.close();
      },
    });
    const chunked = await fetch(`${origin}/workspaces/${id}/files/chunked`, {
      method: 'PUT',
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(201);
    expect([read('empty'), read('zero'), read('chunked')]).toEqual(['', '', 'abc']);
  });

  test('sets the mode that is asked for, else keeps it', async () => {
    const modeOf = () => lstatSync(join(root, 'f')).mode & 0o777;
    await put('f', 'x');
    expect(modeOf()).toBe(0o644);
    await put('f?mode=0755', 'x');
    expect(modeOf()).toBe(0o755);
    await put('f', 'y');
    expect(modeOf()).toBe(0o755);
    await put('f?mode=600', 'y');
    expect(modeOf()).toBe(0o600);
    for (const mode of ['888', '07777', 'rwx', '', '-1', '0644&mode=0644'])
      expect([mode, (await put(`f?mode=${mode}`, 'z')).status]).toEqual([mode, 400]);
    expect(read('f')).toBe('y');
  });

  test('heeds If-Match and If-None-Match against what is there', async () => {
    const first = (await put('f', 'one', { 'if-none-match': '*' })).headers.get('etag') ?? '';
    const conditions: [Record<string, string>, number][] = [
      [{ 'if-none-match': '*' }, 412],
      [{ 'if-none-match': first }, 412],
      [{ 'if-match': '"other"' }, 412],
      [{ 'if-match': `W/${first}` }, 412],
    ];
    for (const [headers, status] of conditions)
      expect([headers, (await put('f', 'no', headers)).status]).toEqual([headers, status]);
    expect(read('f')).toBe('one');
    expect((await put('f', 'two', { 'if-match': first })).status).toBe(204);
    expect((await put('f', 'three', { 'if-match': first })).status).toBe(412);
    expect((await put('missing', 'x', { 'if-match': '*' })).status).toBe(412);
    expect((await put('missing', 'x', { 'if-match': '"x"' })).status).toBe(412);
    symlinkSync('f', join(root, 'link'));
    expect((await put('link', 'x', { 'if-none-match': '*' })).status).toBe(412);
    expect(read('f')).toBe('two');
    expect(existsSync(join(root, 'missing'))).toBe(false);
  });

  test('of two that must be the first one is', async () => {
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((text) => put('once', text, { 'if-none-match': '*' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412]);
    const both = await Promise.all([put('f', 'x'.repeat(500_000)), put('f', 'y'.repeat(400_000))]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 204]);
    expect(['x'.repeat(500_000), 'y'.repeat(400_000)]).toContain(read('f'));
  });

  test('a request that breaks off leaves the old file', async () => {
    await put('f', 'old');
    for (const headers of [{ 'content-length': '1000' }, {}]) {
      const sending = begin(`${origin}/workspaces/${id}/files/f`, { method: 'PUT', headers });
      sending.on('error', () => {});
      sending.write('half');
      await expect.poll(() => readdirSync(stub.workspaces.besideOf(id)).length).toBe(1);
      sending.destroy();
      await expect.poll(() => readdirSync(stub.workspaces.besideOf(id)).length).toBe(0);
    }
    expect(read('f')).toBe('old');
  });

  test('too much is 413, by its length before it is sent, else while it comes; no room is 507', async () => {
    await put('f', 'old');
    expect(await codeOf(await put('f', Buffer.alloc(2_000_001)))).toEqual([413, 'body_too_large']);
    const line = `PUT /workspaces/${id}/files/f`;
    const asked = await ask(origin, line, ['Expect: 100-continue', 'Content-Length: 2000001']);
    expect([asked.status, asked.text.includes('100 Continue')]).toEqual([413, false]);
    const chunk = 'x'.repeat(100_000);
    const chunks = `186a0\r\n${chunk}\r\n`.repeat(21);
    const head = [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', 'Transfer-Encoding: chunked'];
    expect((await sendRaw(origin, `${head.join('\r\n')}\r\n\r\n${chunks}0\r\n\r\n`)).status).toBe(413);
    // Said to be too long, it is refused before any of it has come.
    for (const [length, status] of [
      [2_000_001, 413],
      [1_000_000_000_000, 413],
    ] as const) {
      const begun = begin(`${origin}/workspaces/${id}/files/f`, {
        method: 'PUT',
        headers: { 'content-length': String(length) },
      });
      begun.on('error', () => {});
      begun.flushHeaders();
      const [response] = await once(begun, 'response');
      expect([length, response.statusCode]).toEqual([length, status]);
      begun.destroy();
    }
    stub.workspaces.room = 10;
    expect(await codeOf(await put('g', 'x'.repeat(11)))).toEqual([507, 'workspace_full']);
    expect((await put('f', 'x'.repeat(13))).status).toBe(204);
    expect([read('f'), existsSync(join(root, 'g'))]).toEqual(['x'.repeat(13), false]);
  });

  test('while it is read: who reads has all of the old one, the next the new one', async () => {
    const old = Buffer.alloc(40_000_000, 'old ');
    writeFileSync(join(root, 'f'), old);
    const reading = await to('files/f');
    expect((await put('f', 'new')).status).toBe(204);
    expect(Buffer.from(await reading.arrayBuffer()).equals(old)).toBe(true);
    expect(await (await to('files/f')).text()).toBe('new');
    // A file that is written to is another matter.
    writeFileSync(join(root, 'f'), old);
    const broken = await to('files/f');
    writeFileSync(join(root, 'f'), 'x', { flag: 'r+' });
    await expect(broken.arrayBuffer()).rejects.toThrow();
    stub.logged.length = 0;
  });

  test('parts, codings and other methods are refused as everywhere', async () => {
    expect((await put('f', 'x', { 'content-range': 'bytes 0-0/1' })).status).toBe(400);
    const coded = await put('f', gzipSync('x'), { 'content-encoding': 'gzip' });
    expect([coded.status, coded.headers.get('accept-encoding')]).toEqual([415, 'identity']);
    expect((await put('f', 'x', { 'content-encoding': 'identity' })).status).toBe(201);
    const wrong = await to('files/f', { method: 'PATCH', body: 'x' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, PUT']);
  });

  test('a directory, a link on the way and a file on the way are in its way, by name', async () => {
    execFileSync('sh', ['-c', 'mkdir -p d/e; echo f >f; ln -s d link'], { cwd: root });
    for (const [path, named] of [
      ['d', 'd'],
      ['link/x', 'link'],
      ['f/x', 'f'],
      ['d/e', 'd/e'],
    ] as const) {
      const answer = await put(path, 'x');
      expect([path, answer.status, await answer.json()]).toMatchObject([
        path,
        409,
        { code: 'file_conflict', errors: [{ path: named }] },
      ]);
    }
    expect(readdirSync(join(root, 'd'))).toEqual(['e']);
  });

  test('while it is restored it is busy', async () => {
    stub.workspaces.busy.add(id);
    expect(await codeOf(await put('f', 'x'))).toEqual([409, 'workspace_busy']);
    expect((await to('files/f', { method: 'DELETE' })).status).toBe(409);
    expect((await to('files', { method: 'POST', body: 'x', headers: TAR })).status).toBe(409);
  });
});

const TAR = { 'content-type': 'application/x-tar' };

/** A tar with a link that leads out over another one. */
const LINKS = 'cd "$(mktemp -d)"; mkdir e; ln -s .. e/l; ln -s l/.. e/m; tar c e; rm -r "$PWD"';

async function tar(...entries: { name: string; text: string }[]): Promise<Buffer<ArrayBuffer>> {
  const packing = pack();
  for (const { name, text } of entries) packing.entry({ name }, text);
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('odd paths', () => {
  /** By what they are sent as: what PUT, GET and DELETE answer. */
  test.each([
    ['a%2Fb', 201, 200, 204],
    ['sp%20ace%3F', 201, 200, 204],
    ['%C3%A9', 201, 200, 204],
    ['a;b=c', 201, 200, 204],
    ['a%252Fb', 201, 200, 204],
    ['...', 201, 200, 204],
    ['.%2Fb', 201, 200, 204],
    ['-rf', 201, 200, 204],
    ['n'.repeat(255), 201, 200, 204],
    ['n'.repeat(256), 422, 404, 404],
    [Array.from({ length: 1300 }, () => 'abcd').join('/'), 422, 404, 404],
    ['..%2fx', 422, 404, 404],
    ['a%2F..%2F..%2Fx', 422, 404, 404],
    ['%2Fetc%2Fpasswd', 422, 404, 404],
    ['a%2F%2Fb', 422, 404, 404],
    ['a//b', 422, 404, 404],
    ['a/', 422, 404, 404],
    ['/', 422, 404, 404],
    ['', 422, 404, 404],
    ['%00', 400, 400, 400],
    ['a%00b', 400, 400, 400],
    ['..', 400, 400, 400],
    ['%2e%2e/x', 400, 400, 400],
    ['a\\b', 400, 400, 400],
    ['%ff', 400, 400, 400],
    ['%', 400, 400, 400],
  ])('%s', async (path, made, got, deleted) => {
    const line = (method: string) => `${method} /workspaces/${id}/files/${path}`;
    const answers = [
      await ask(origin, line('PUT'), [], 'x'),
      await ask(origin, line('GET')),
      await ask(origin, line('HEAD')),
      await ask(origin, line('DELETE')),
    ];
    expect(answers.map(({ status }) => status)).toEqual([made, got, got, deleted]);
    if (made === 201) expect(answers[1]?.body).toBe('x');
    expect(existsSync(join(root, '..', 'x'))).toBe(false);
    execFileSync('find', ['.', '-mindepth', '1', '-type', 'd', '-empty', '-delete'], { cwd: root });
    expect(readdirSync(root)).toEqual([]);
  });

  test('the location of what was put leads there', async () => {
    const { headers } = await put('a%20b/%C3%A9%3F%23', 'x');
    const got = await fetch(`${origin}${headers.get('location')}`);
    expect([got.status, await got.text()]).toEqual([200, 'x']);
  });

  test('odd ids are unknown', async () => {
    for (const odd of ['nope', '%20', '..%2f..', 'a%2Fb', '%C3%A9', '-', 'x'.repeat(4000), '__proto__'])
      for (const rest of ['', '/files', '/files/x', '/archive', '/diff?from=x']) {
        const answer = await ask(origin, `GET /workspaces/${odd}${rest}`);
        expect([odd, rest, answer.status, JSON.parse(answer.body).code]).toEqual([
          odd,
          rest,
          404,
          'workspace_not_found',
        ]);
      }
    expect((await fetch(`${origin}/workspaces//files`)).status).toBe(404);
  });
});

test('a link that a later archive makes lead out leads nobody out', async () => {
  // Judged when it came, it stayed within; what stands on its way came after it, and stays within too.
  const archives = ['ln -s a/b/../.. m; ln -s a/b/../secret s; tar c m s', 'mkdir a; ln -s .. a/b; tar c a'];
  for (const script of archives) {
    const body = execFileSync('sh', ['-c', `cd "$(mktemp -d)"; ${script}; rm -r "$PWD"`]);
    expect((await to('files', { method: 'POST', headers: TAR, body })).status).toBe(200);
  }
  // It does lead out now, for who follows it.
  const outside = realpathSync(join(root, '..'));
  expect(realpathSync.native(join(root, 'm'))).toBe(realpathSync(join(outside, '..')));
  writeFileSync(join(outside, 'secret'), 'outside');
  expect(readFileSync(join(root, 's'), 'utf8')).toBe('outside');
  const before = readdirSync(outside).sort();
  const home = `m/${basename(outside)}`;
  for (const path of ['s', 'm', `${home}/secret`, 'm/new'])
    expect([path, (await to(`files/${path}`)).status]).toEqual([path, 404]);
  for (const path of [`${home}/secret`, `${home}/new`, 'm/new'])
    expect([path, ...(await codeOf(await put(path, 'x')))]).toEqual([path, 409, 'file_conflict']);
  const taken = await to(`files/${home}/secret?recursive=true`, { method: 'DELETE' });
  expect([404, 409]).toContain(taken.status);
  for (const query of ['?path=m', `?path=${home}`]) {
    const body = await tar({ name: 'new', text: 'x' });
    expect((await to(`files${query}`, { method: 'POST', headers: TAR, body })).status).toBe(409);
  }
  const through = await tar({ name: `${home}/new`, text: 'x' });
  expect((await to('files', { method: 'POST', headers: TAR, body: through })).status).toBe(409);
  const { items } = (await (await to('files?glob=**')).json()) as { items: FileEntry[] };
  expect(items.map(({ path, type }) => `${type} ${path}`)).toEqual([
    'directory a',
    'link a/b',
    'link m',
    'link s',
  ]);
  const archive = Buffer.from(await (await to('archive')).arrayBuffer());
  expect(archive.includes('outside')).toBe(false);
  expect([readdirSync(outside).sort(), readFileSync(join(outside, 'secret'), 'utf8')]).toEqual([
    before,
    'outside',
  ]);
  rmSync(join(outside, 'secret'));
});

describe('GET', () => {
  test('a directory that is read as a file says how to have what is in it', async () => {
    await put('d/f', 'x');
    const answer = await to('files/d', { method: 'GET' });
    expect([answer.status, await answer.json()]).toMatchObject([
      404,
      { code: 'file_not_found', detail: expect.stringMatching(/^"d" is no file but a directory: .*\?glob=/) },
    ]);
  });
});

describe('DELETE', () => {
  test('takes a file, a link itself, and with recursive a directory', async () => {
    execFileSync('sh', ['-c', 'mkdir -p d/e; echo f >d/f; ln -s d link; ln -s /etc out'], { cwd: root });
    const answer = await to('files/d', { method: 'DELETE' });
    expect(await codeOf(answer)).toEqual([409, 'file_conflict']);
    for (const path of ['link', 'out', 'd/f', 'd?recursive=true'])
      expect([path, (await to(`files/${path}`, { method: 'DELETE' })).status]).toEqual([path, 204]);
    expect(readdirSync(root)).toEqual([]);
    expect(await codeOf(await to('files/d', { method: 'DELETE' }))).toEqual([404, 'file_not_found']);
    expect((await to('files/d?recursive=yes', { method: 'DELETE' })).status).toBe(400);
  });

  test('heeds preconditions', async () => {
    const etag = (await put('f', 'x')).headers.get('etag') ?? '';
    const take = (path: string, headers: Record<string, string>) =>
      to(`files/${path}`, { method: 'DELETE', headers });
    expect((await take('f', { 'if-match': '"x"' })).status).toBe(412);
    expect((await take('f', { 'if-none-match': '*' })).status).toBe(412);
    expect((await take('no', { 'if-match': '*' })).status).toBe(412);
    expect((await take('f', { 'if-match': etag })).status).toBe(204);
  });

  test('of the whole is none: the workspace is deleted itself', async () => {
    await put('f', 'x');
    for (const path of ['files', 'files/', 'files/.', 'files/%2F?recursive=true', 'files//?recursive=true'])
      expect((await ask(origin, `DELETE /workspaces/${id}/${path}`)).status).toBeGreaterThanOrEqual(400);
    expect(read('f')).toBe('x');
  });
});

describe('an archive', () => {
  const unpack = (body: Buffer<ArrayBuffer>, query = '', type = 'application/x-tar') =>
    to(`files${query}`, { method: 'POST', body, headers: { 'content-type': type } });

  test('is unpacked by its bytes, whatever of the types it is said to be', async () => {
    const plain = await tar({ name: 'a/b', text: 'one' }, { name: 'c', text: 'two' });
    for (const [body, type] of [
      [plain, 'application/x-tar'],
      [gzipSync(plain), 'application/gzip'],
      [gzipSync(plain), 'application/x-tar; x=y'],
      [plain, 'application/octet-stream'],
      [plain, 'Application/Zip'],
    ] as const) {
      const answer = await unpack(body, '?path=in/to', type);
      expect([answer.status, await answer.json()]).toEqual([200, { files: 2, bytes: 6 }]);
      expect([read('in/to/a/b'), read('in/to/c')]).toEqual(['one', 'two']);
    }
    expect((await unpack(plain, '?path=./')).status).toBe(200);
    expect(read('c')).toBe('two');
  });

  test('of another type is refused, and so are one that is none and a path that leads out', async () => {
    const plain = await tar({ name: 'c', text: 'two' });
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json']) {
      const answer = await unpack(plain, '', type);
      expect([answer.status, await answer.json()]).toMatchObject([
        415,
        {
          code: 'unsupported_media_type',
          detail: expect.stringMatching(`^Content-Type must be .*, and is ${type}.$`),
        },
      ]);
    }
    for (const body of [
      Buffer.alloc(0),
      Buffer.from('text'),
      plain.subarray(0, 300),
      gzipSync(plain).subarray(0, 40),
    ])
      expect(await codeOf(await unpack(body))).toEqual([422, 'invalid_field']);
    for (const query of ['?path=../x', '?path=/etc', '?path=a//b', '?path=', '?path=a&path=b', '?to=x'])
      expect([query, (await unpack(plain, query)).status]).toEqual([query, 400]);
    expect(readdirSync(root)).toEqual([]);
  });

  test('that is refused changes nothing and names the entry', async () => {
    await put('d/f', 'old');
    const evil = await unpack(await tar({ name: 'a', text: '1' }, { name: '../x', text: '2' }));
    expect([evil.status, await evil.json()]).toMatchObject([422, { errors: [{ path: '../x' }] }]);
    const damaged = await unpack(await damagedZip(), '', 'application/zip');
    expect([damaged.status, await damaged.json()]).toMatchObject([
      422,
      { errors: [{ path: 'damaged.txt' }] },
    ]);
    const led = await unpack(execFileSync('sh', ['-c', LINKS]), '', 'application/x-tar');
    expect([led.status, await led.json()]).toMatchObject([422, { errors: [{ path: 'e/m' }] }]);
    const blocked = await unpack(await tar({ name: 'a', text: '1' }, { name: 'd', text: '2' }));
    expect([blocked.status, await blocked.json()]).toMatchObject([
      409,
      { code: 'file_conflict', errors: [{ path: 'd' }] },
    ]);
    const large = await unpack(await tar({ name: 'a', text: 'x'.repeat(2_000_001) }));
    expect(large.status).toBe(413);
    stub.workspaces.room = 2;
    expect((await unpack(await tar({ name: 'a', text: '123' }))).status).toBe(507);
    expect([readdirSync(root), read('d/f')]).toEqual([['d'], 'old']);
  });

  test('that breaks off changes nothing', async () => {
    const body = await tar({ name: 'a', text: 'x'.repeat(5000) });
    const headers = { ...TAR, 'content-length': String(body.length) };
    const sending = begin(`${origin}/workspaces/${id}/files`, { method: 'POST', headers });
    sending.on('error', () => {});
    sending.write(body.subarray(0, 3000));
    await expect.poll(() => readdirSync(stub.workspaces.besideOf(id)).length).toBe(1);
    sending.destroy();
    await expect.poll(() => readdirSync(stub.workspaces.besideOf(id)).length).toBe(0);
    expect(readdirSync(root)).toEqual([]);
  });

  test('goes out as it came in', async () => {
    await put('a/b', 'x');
    await put('a/run?mode=755', 'y');
    const out = Buffer.from(await (await to('archive?format=tar.gz')).arrayBuffer());
    await to('files/a?recursive=true', { method: 'DELETE' });
    expect(await (await unpack(out, '', 'application/gzip')).json()).toEqual({ files: 2, bytes: 2 });
    expect([read('a/b'), lstatSync(join(root, 'a/run')).mode & 0o777]).toEqual(['x', 0o755]);
  });
});

describe('10,000 files', () => {
  test('come in one archive and are listed in pages, in order, by glob, from any place', async () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `d${at % 10}/f${at}`);
    const body = gzipSync(await tar(...names.map((name) => ({ name, text: 'x' }))));
    const answer = await to('files', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/gzip' },
    });
    expect(await answer.json()).toEqual({ files: 10_000, bytes: 10_000 });
    const paths: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = (await (await to(`files?limit=3000${cursor && `&cursor=${cursor}`}`)).json()) as {
        items: FileEntry[];
        next_cursor: string | null;
      };
      paths.push(...page.items.map(({ path }) => path));
      cursor = page.next_cursor;
    }
    expect(paths).toHaveLength(10_010);
    expect(paths).toEqual([...paths].sort());
    const some = (await (await to('files?glob=d3/f*33&hash=true')).json()) as { items: FileEntry[] };
    expect(some.items.map(({ path }) => path)).toEqual(
      names.filter((name) => /^d3\/f\d*33$/.test(name)).sort(),
    );
    expect(some.items[0]?.sha256).toBe(createHash('sha256').update('x').digest('hex'));
  });
});

describe('HTTP/1.0', () => {
  test('puts, reads, unpacks and deletes', async () => {
    const lines = async (line: string, headers: string[] = [], body = Buffer.alloc(0)) => {
      const head = [
        `${line} HTTP/1.0`,
        'Host: localhost',
        `Content-Length: ${body.length}`,
        ...headers,
        '',
        '',
      ].join('\r\n');
      return sendRaw(origin, Buffer.concat([Buffer.from(head), body]));
    };
    const base = `/workspaces/${id}/files`;
    expect((await lines(`PUT ${base}/f`, [], Buffer.from('ten'))).status).toBe(201);
    expect(await lines(`GET ${base}/f`)).toMatchObject({ status: 200, body: 'ten' });
    expect(await lines(`HEAD ${base}/f`)).toMatchObject({ status: 200, body: '' });
    const packed = await tar({ name: 'g', text: 'x' });
    expect((await lines(`POST ${base}`, ['Content-Type: application/x-tar'], packed)).status).toBe(200);
    expect((await lines(`GET /workspaces/${id}/archive`)).status).toBe(200);
    expect((await lines(`DELETE ${base}/f`)).status).toBe(204);
    expect(readdirSync(root)).toEqual(['g']);
  });
});

describe('a body that stalls', () => {
  test('is 408 when nothing came for long, and leaves the old file; one that goes on coming is taken', async () => {
    const deadlines = { headersMs: 60_000, bodyMs: 400, lookMs: 15_000 };
    await using slow = stubApp({}, deadlines);
    const address = await slow.listen();
    await slow.workspaces.create({ workspace_id: id });
    const file = join(slow.workspaces.rootOf(id), 'f');
    writeFileSync(file, 'old');
    const sending = (path: string, method: string, length: number) => {
      const headers = { 'content-length': String(length), ...TAR };
      const started = begin(`${address}/workspaces/${id}/${path}`, { method, headers });
      const answer = new Promise<number | undefined>((resolve, reject) => {
        started.on('response', (response) => resolve(response.resume().statusCode));
        started.on('error', reject);
      });
      return { started, answer };
    };
    for (const [path, method] of [
      ['files/f', 'PUT'],
      ['files', 'POST'],
    ] as const) {
      const { started, answer } = sending(path, method, 1000);
      started.write('half');
      expect([path, await answer]).toEqual([path, 408]);
      started.destroy();
    }
    expect(readFileSync(file, 'utf8')).toBe('old');
    await expect.poll(() => readdirSync(slow.workspaces.besideOf(id))).toEqual([]);
    const { started, answer } = sending('files/f', 'PUT', 10);
    for (let count = 0; count < 10; count++) {
      started.write('x');
      await sleep(100);
    }
    started.end();
    expect([await answer, readFileSync(file, 'utf8')]).toEqual([204, 'x'.repeat(10)]);
  });
});
