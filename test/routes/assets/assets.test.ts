import { createHash, hash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { InjectOptions } from 'fastify';
import { type Header as Headers, pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { Asset } from '../../../src/documents/asset.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';

const newId = (word: string): string => `${word}-${randomUUID().slice(0, 8)}`;

const asker =
  (engine: TestEngine) =>
  (
    method: InjectOptions['method'],
    path: string,
    body?: Buffer | string,
    headers: Record<string, string> = {},
  ) =>
    engine.request({
      method: method ?? 'GET',
      url: `/assets/${path}`,
      ...(body !== undefined && { payload: body }),
      headers: { ...(body !== undefined && { 'content-type': 'application/octet-stream' }), ...headers },
    });

async function tar(entries: (Partial<Headers> & { name: string; text?: string })[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = '', ...header } of entries) archive.entry(header, text);
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** Nothing is left of what came and was not kept. */
function expectNothingLeft({ dataDir }: TestEngine): void {
  for (const place of ['contents/coming', 'contents/new', 'uploads'])
    expect(existsSync(join(dataDir, place)) ? readdirSync(join(dataDir, place)) : []).toEqual([]);
}

test('PUT makes a version of the bytes: 201, and 200 for the same again; the document says which', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('asset');
  const made = await ask('PUT', name, 'hello', { 'content-type': 'text/plain' });
  expect(made.statusCode).toBe(201);
  const asset = Asset.parse(made.json());
  const digest = hash('sha256', 'hello');
  expect(asset).toMatchObject({ name, version: 1, type: 'file', digest, bytes: 5, media_type: 'text/plain' });
  expect(made.headers).toMatchObject({ etag: `"${digest}"`, location: `/assets/${name}@1` });
  const again = await ask('PUT', name, 'hello', { 'content-type': 'text/plain' });
  expect([again.statusCode, again.json()]).toEqual([200, asset]);
  expect((await ask('PUT', name, 'hello', { 'content-type': 'text/html' })).json().version).toBe(2);
  const next = await ask('PUT', name, 'bye');
  expect([next.statusCode, next.json().version, next.json().media_type]).toEqual([
    ...[201, 3, 'application/octet-stream'],
  ]);
  expect((await ask('GET', name)).json()).toEqual(next.json());
  expect((await ask('GET', `${name}@1`)).json()).toEqual(asset);
  expect((await ask('GET', `${name}@4`)).json()).toMatchObject({ status: 404, code: 'asset_not_found' });
  expect((await ask('GET', name, undefined, { 'if-none-match': '*' })).statusCode).toBe(304);
  const versions = (await ask('GET', `${name}/versions?limit=2`)).json();
  expect(versions.items.map(({ version }: Asset) => version)).toEqual([3, 2]);
  const list = (await engine.get('/assets')).json();
  expect(list.items.map((one: Asset) => [one.name, one.version])).toEqual([[name, 3]]);
  expectNothingLeft(engine);
});

test('the bytes are served as they came, whole and in parts, and no browser runs them', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('page');
  const page = '<script>alert(1)</script>';
  await ask('PUT', name, page, { 'content-type': 'text/html' });
  const whole = await ask('GET', `${name}/content`);
  expect([whole.statusCode, whole.body]).toEqual([200, page]);
  expect(whole.headers).toMatchObject({
    'content-type': 'text/html',
    'content-disposition': `attachment; filename=${name}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    etag: `"${hash('sha256', page)}"`,
    'repr-digest': `sha-256=:${createHash('sha256').update(page).digest('base64')}:`,
  });
  const part = await ask('GET', `${name}@1/content`, undefined, { range: 'bytes=1-6' });
  expect([part.statusCode, part.body, part.headers['content-range']]).toEqual([
    ...[206, 'script', `bytes 1-6/${page.length}`],
  ]);
  const known = await ask('GET', `${name}/content`, undefined, {
    'if-none-match': `"${hash('sha256', page)}"`,
  });
  expect([known.statusCode, known.body]).toEqual([304, '']);
  expect((await ask('HEAD', `${name}/content`)).headers['content-length']).toBe(String(page.length));
  expect((await ask('GET', `${name}/content?path=a`)).json()).toMatchObject({ status: 400 });
});

test('what is sent in a way that others take is refused with the way that is right', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('asset');
  const form = 'multipart/form-data; boundary=b';
  const asForm = await ask('PUT', name, '--b\r\n\r\nx\r\n--b--', { 'content-type': form });
  expect(asForm.json()).toMatchObject({
    ...{ status: 415, code: 'unsupported_media_type' },
    detail: 'The body of a PUT is the file itself, not a form with the file in it: curl -T FILE, not -F.',
  });
  for (const document of ['{"lr": 0.1}', '[1]'])
    expect((await ask('PUT', name, document, { 'content-type': 'application/json' })).json()).toMatchObject({
      status: 422,
      detail: expect.stringMatching(/a JSON file itself is sent with another Content-Type/),
      errors: expect.arrayContaining([expect.objectContaining({ path: '' })]),
    });
  const source = await ask('PUT', name, '{"url": "x"}', { 'content-type': 'application/json' });
  expect(source.json().errors.map(({ path }: { path: string }) => path)).toEqual(['url', 'sha256']);
  expect((await ask('PUT', `${name}@2`, 'x')).json().errors).toEqual([
    { path: 'name', message: expect.stringMatching(/: a PUT to \S+ makes the next one$/) },
  ]);
  expect((await ask('GET', name)).statusCode).toBe(404);
  expectNothingLeft(engine);
});

test('an empty file is an asset, and a media type that cannot be told again is unknown', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('empty');
  const made = await engine.request({ method: 'PUT', url: `/assets/${name}` });
  expect([made.statusCode, made.json().bytes, made.json().digest]).toEqual([201, 0, hash('sha256', '')]);
  expect((await ask('GET', `${name}/content`)).body).toBe('');
  const odd = await ask('PUT', name, 'x', { 'content-type': 'text/plain; a="b\\"c"' });
  expect(odd.json().media_type).toBe('application/octet-stream');
});

test('what curl says by itself is no media type: the same bytes are the same version, with -T and with --data-binary', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('data');
  const made = await ask('PUT', name, 'a\n', { 'content-type': 'application/x-www-form-urlencoded' });
  expect([made.statusCode, made.json().media_type]).toEqual([201, 'application/octet-stream']);
  const again = await ask('PUT', name, 'a\n');
  expect([again.statusCode, again.json()]).toEqual([200, made.json()]);
});

test('an archive becomes a directory: as a tar, in gzip and as the files that are in it', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('data');
  const archive = await tar([
    { name: 'bin/', type: 'directory', mode: 0o750 },
    { name: 'bin/run', text: '#!/bin/sh\n', mode: 0o755 },
    { name: 'index.html', text: '<p>', mode: 0o600 },
    { name: 'latest', type: 'symlink', linkname: 'bin/run' },
  ]);
  const made = await ask('PUT', `${name}?extract=true`, archive);
  expect(made.json()).toMatchObject({
    ...{ version: 1, type: 'directory', bytes: 13, files: 2, media_type: 'application/x-tar' },
  });
  const again = await ask('PUT', `${name}?extract=true`, gzipSync(archive));
  expect([again.statusCode, again.json().digest]).toEqual([200, made.json().digest]);
  const file = await ask('GET', `${name}/content?path=index.html`);
  expect([file.body, file.headers['content-security-policy']]).toEqual([
    '<p>',
    "default-src 'none'; sandbox",
  ]);
  expect(file.headers['content-disposition']).toBe('attachment; filename=index.html');
  expect((await ask('GET', `${name}/content?path=bin`)).json()).toMatchObject({ code: 'file_not_found' });
  expect((await ask('GET', `${name}/content?path=../x`)).json()).toMatchObject({ code: 'file_not_found' });
  const both = (await ask('GET', `${name}/content?path=index.html&glob=**&format=zip`)).json();
  expect([both.status, both.errors.map(({ path }: { path: string }) => path)]).toEqual([
    400,
    ['glob', 'format'],
  ]);
  const whole = await ask('GET', `${name}/content`);
  expect(whole.headers['content-type']).toBe('application/x-tar');
  // It can be put again, and is the same.
  expect((await ask('PUT', `${name}?extract=true`, whole.rawPayload)).statusCode).toBe(200);
  const zip = await ask('GET', `${name}/content?format=zip`);
  expect((await ask('PUT', `${name}?extract=true`, zip.rawPayload)).json().type).toBe('directory');
  expectNothingLeft(engine);
});

test('an archive of a directory has a tag of its own, by which a client knows that it has it', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('tools');
  await ask('PUT', `${name}?extract=true`, await tar([{ name: 'a', text: 'a' }]));
  const tags: string[] = [];
  for (const [query, accept] of [
    ['', '*/*'],
    ['?format=zip', '*/*'],
    ['?glob=a', '*/*'],
    ['', 'application/gzip'],
  ]) {
    const path = `${name}/content${query}`;
    const { statusCode, headers } = await ask('GET', path, undefined, { accept: accept ?? '' });
    const { etag = '' } = headers;
    expect([statusCode, headers.vary, etag]).toEqual([200, 'accept', expect.stringMatching(/^W\/"\w{64}"$/)]);
    const again = { accept: accept ?? '', 'if-none-match': String(etag) };
    const known = await ask('GET', path, undefined, again);
    expect([known.statusCode, known.body, known.headers.etag]).toEqual([304, '', etag]);
    tags.push(String(etag));
  }
  expect(new Set(tags).size).toBe(4);
  await ask('PUT', `${name}?extract=true`, await tar([{ name: 'a', text: 'b' }]));
  const changed = await ask('GET', `${name}/content`, undefined, { 'if-none-match': tags.join(', ') });
  expect(changed.statusCode).toBe(200);
});

test.each<[string, Partial<Headers> & { name: string }, string]>([
  ['leads out', { name: '../x' }, 'leads out of the directory'],
  ['is absolute', { name: '/etc/x' }, 'is absolute'],
  ['is a link that leads out', { name: 'l', type: 'symlink', linkname: '../../x' }, 'leads out'],
  ['is an absolute link', { name: 'l', type: 'symlink', linkname: '/etc/passwd' }, 'leads out'],
  ['is a device', { name: 'd', type: 'character-device' }, 'device'],
  ['is a pipe', { name: 'p', type: 'fifo' }, 'FIFO'],
])('an archive with a name that %s is refused, and nothing of it is kept', async (_name, entry, why) => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('bad');
  const answer = await ask('PUT', `${name}?extract=true`, await tar([{ name: 'good', text: 'g' }, entry]));
  expect(answer.json()).toMatchObject({ status: 422, code: 'invalid_field' });
  expect(answer.json().detail).toContain(why);
  expect((await ask('GET', name)).statusCode).toBe(404);
  expectNothingLeft(engine);
});

test.each(['..', '.hidden', 'a/b', 'a%2Fb', 'a@1', 'ä', 'a b', 'a'.repeat(129), '@1', 'a%00'])(
  'a name like %j is refused, by name or because nothing has it',
  async (name) => {
    await using engine = buildEngine();
    const answer = await asker(engine)('PUT', encodeURI(name).replaceAll('%25', '%'), 'x');
    expect([400, 404, 405, 422]).toContain(answer.statusCode);
    expect((await engine.get('/assets')).json().items).toEqual([]);
  },
);

test('what is no archive, and what is cut short, is refused', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const archive = await tar([{ name: 'a', text: 'x'.repeat(5000) }]);
  for (const body of ['hello', '', archive.subarray(0, 3000), gzipSync(archive).subarray(0, 40)])
    expect((await ask('PUT', `x?extract=true`, Buffer.from(body))).json()).toMatchObject({
      code: 'invalid_field',
    });
  expectNothingLeft(engine);
});

test('more bytes than may be are refused, announced or not, and nothing is kept', async () => {
  await using engine = buildEngine({ config: { RUNWIRE_MAX_ASSET_BYTES: '1000' } });
  const ask = asker(engine);
  const said = await ask('PUT', 'x', Buffer.alloc(1001));
  expect(said.json()).toMatchObject({ status: 413, code: 'body_too_large' });
  expect(said.json().detail).toContain('RUNWIRE_MAX_ASSET_BYTES');
  const unsaid = await engine.request({
    ...{ method: 'PUT', url: '/assets/x', headers: { 'content-type': 'a/b' } },
    payload: Readable.from([Buffer.alloc(600), Buffer.alloc(600)]),
  });
  expect(unsaid.json()).toMatchObject({ status: 413, code: 'body_too_large' });
  const archive = gzipSync(await tar([{ name: 'a', text: 'x'.repeat(5000) }]));
  expect(archive.length).toBeLessThan(1000);
  const bomb = await ask('PUT', 'x?extract=true', archive);
  expect(bomb.json()).toMatchObject({ status: 413, code: 'body_too_large' });
  expect(bomb.json().detail).toContain('RUNWIRE_MAX_ASSET_BYTES');
  expect((await ask('PUT', 'x', Buffer.alloc(1000))).statusCode).toBe(201);
  expectNothingLeft(engine);
});

test('If-Match and If-None-Match hold, also for two that come at once', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('race');
  const both = await Promise.all(
    ['one', 'two'].map((body) => ask('PUT', name, body, { 'if-none-match': '*' })),
  );
  expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([201, 412]);
  const { digest } = (await ask('GET', name)).json();
  expect((await ask('PUT', name, 'three', { 'if-match': '"other"' })).statusCode).toBe(412);
  expect((await ask('PUT', name, 'three', { 'if-match': `"${digest}"` })).json().version).toBe(2);
  expect((await ask('DELETE', name, undefined, { 'if-match': `"${digest}"` })).statusCode).toBe(412);
  expectNothingLeft(engine);
});

test('many that are put at once under one name are a version each, and the same bytes are one', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('many');
  const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => ask('PUT', name, `body ${at}`)));
  expect(answers.map((one) => one.json().version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const answer of answers) {
    const { version, digest } = answer.json();
    const { body } = await ask('GET', `${name}@${version}/content`);
    expect(hash('sha256', body)).toBe(digest);
  }
  const same = await Promise.all(Array.from({ length: 5 }, () => ask('PUT', name, 'same')));
  expect(new Set(same.map((one) => one.json().version))).toEqual(new Set([9]));
  expect(same.map(({ statusCode }) => statusCode).sort()).toEqual([200, 200, 200, 200, 201]);
});

test('DELETE takes a version or all of them, and no number comes again', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const name = newId('gone');
  for (const body of ['1', '2', '3']) await ask('PUT', name, body);
  expect((await ask('DELETE', `${name}@3`)).statusCode).toBe(204);
  expect((await ask('GET', name)).json().version).toBe(2);
  expect((await ask('PUT', name, '4')).json().version).toBe(4);
  expect((await ask('DELETE', name)).statusCode).toBe(204);
  for (const path of [name, `${name}@1`, `${name}/versions`, `${name}/content`])
    expect((await ask('GET', path)).json()).toMatchObject({ status: 404, code: 'asset_not_found' });
  expect((await ask('DELETE', name)).statusCode).toBe(404);
  expect((await ask('PUT', name, '1')).json().version).toBe(5);
});

test('a URL is not fetched without what it must be, and no unknown field is taken', async () => {
  await using engine = buildEngine();
  const json = (body: object | string) =>
    asker(engine)('PUT', 'x', typeof body === 'string' ? body : JSON.stringify(body), {
      'content-type': 'application/json; charset=utf-8',
    });
  const url = 'http://127.0.0.1:1/x';
  const sha256 = '0'.repeat(64);
  for (const [body, path] of [
    [{ url }, 'sha256'],
    [{ sha256 }, 'url'],
    [{ url: 'ftp://h/x', sha256 }, 'url'],
    [{ url: 'http://user:hush@h/x', sha256 }, 'url'],
    [{ url, sha256: 'abc' }, 'sha256'],
    [{ url, sha256, secret: 'none' }, 'secret'],
    [{ url, sha256, media_type: 'text/html\r\nX: y' }, 'media_type'],
    [{ url, sha256, more: 1 }, 'more'],
  ] as const) {
    const answer = (await json(body)).json();
    expect([answer.code, answer.errors?.[0]?.path]).toEqual(['invalid_field', path]);
    expect(answer.detail).not.toContain('hush');
  }
  for (const extract of [true, false]) {
    const sent = JSON.stringify({ url, sha256, extract: !extract });
    const headers = { 'content-type': 'application/json' };
    const answer = (await asker(engine)('PUT', `x?extract=${extract}`, sent, headers)).json();
    expect([answer.code, answer.errors?.[0]?.path]).toEqual(['invalid_field', 'extract']);
  }
  expect((await json('{')).json()).toMatchObject({ code: 'malformed_json' });
  expect((await json(JSON.stringify('x'.repeat(2 * 1024 * 1024)))).json()).toMatchObject({
    code: 'body_too_large',
  });
});

test('who asks before it sends is told to go on up to what an asset may have, and no further', async () => {
  await using engine = buildEngine({
    config: { RUNWIRE_MAX_UPLOAD_BYTES: '10', RUNWIRE_MAX_ASSET_BYTES: '1000' },
  });
  await engine.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = engine.app.server.address() as AddressInfo;
  const send = (length: number) =>
    new Promise<string>((resolve, reject) => {
      const headers = { expect: '100-continue', 'content-length': length, 'content-type': 'a/b' };
      let toldToGoOn = false;
      const asked = request({ port, host: '127.0.0.1', method: 'PUT', path: '/assets/x', headers });
      asked.on('continue', () => {
        toldToGoOn = true;
        asked.end(Buffer.alloc(length));
      });
      asked.on('response', (answer) => {
        answer.resume();
        if (!toldToGoOn) asked.destroy();
        resolve(`${toldToGoOn} ${answer.statusCode}`);
      });
      asked.on('error', reject);
      asked.flushHeaders();
    });
  expect(await send(1000)).toBe('true 201');
  expect(await send(1001)).toBe('false 413');
});

test('who is in the midst of a download when it is deleted gets all of it', async () => {
  await using engine = buildEngine();
  const ask = asker(engine);
  const bytes = Buffer.alloc(16 * 1024 * 1024, 'runwire');
  await ask('PUT', 'file', bytes);
  await ask(
    'PUT',
    'tree?extract=true',
    await tar([
      { name: 'big', text: bytes.toString() },
      { name: 'z', text: 'z' },
    ]),
  );
  await engine.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = engine.app.server.address() as AddressInfo;
  for (const [name, least] of [
    ['file', bytes.length],
    ['tree', bytes.length + 512],
  ] as const) {
    const asked = request({ port, host: '127.0.0.1', path: `/assets/${name}/content` });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    await once(answer, 'readable'); // and no more is taken yet
    expect((await ask('DELETE', name)).statusCode).toBe(204);
    expect((await ask('GET', `${name}/content`)).statusCode).toBe(404);
    const sum = createHash('sha256');
    let length = 0;
    for await (const piece of answer) {
      length += (piece as Buffer).length;
      if (name === 'file') sum.update(piece as Buffer);
    }
    expect(answer.complete).toBe(true);
    expect(length).toBeGreaterThanOrEqual(least);
    if (name === 'file') expect(sum.digest('hex')).toBe(hash('sha256', bytes));
  }
});

test.each([
  ['no archive', randomBytes(20_000_000)],
  ['a broken gzip', Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(20_000_000)])],
])('who sends %s to its end is told so then, and may go on', async (_what, body) => {
  await using engine = buildEngine();
  await engine.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = engine.app.server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1' }).setEncoding('latin1');
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.pause(); // as clients do that read when they have said all
  const head = (line: string, more: string) => `${line} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
  socket.write(head('PUT /assets/x?extract=true', `Content-Type: a/b\r\nContent-Length: ${body.length}\r\n`));
  await new Promise<void>((sent, failed) => {
    socket.once('error', failed);
    socket.write(body, () => sent());
  });
  socket.write(head('GET /assets/x', 'Connection: close\r\n'));
  socket.resume();
  await once(socket, 'close');
  expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code)).toEqual(['422', '404']);
});
