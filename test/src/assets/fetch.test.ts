import { hash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { FETCHES_AT_ONCE } from '../../../src/assets/arrivals.ts';
import type { RunwireError } from '../../../src/documents/errors.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { AssetRoom, tarOf } from '../../helpers/asset-room.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server of its own; its origin. */
async function serve(answer: RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = createServer(answer).listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

const SECRET = 'hush-hush-secret';
const secrets = new Map([
  ['token', { value: SECRET, hosts: null }],
  ['pair', { value: `me:${SECRET}`, hosts: null }],
  ['whole', { value: `Bearer ${SECRET}`, hosts: null }],
  ['elsewhere', { value: SECRET, hosts: ['elsewhere.example'] }],
]);
const BYTES = 'what is fetched';
const sha256 = hash('sha256', BYTES);

const fetched = (
  room: AssetRoom,
  source: { url: string; sha256: string; secret?: string; extract?: boolean },
  signal?: AbortSignal,
) => room.assets.put('a', { from: 'url', source }, { ...(signal && { signal }) });

async function refusal(room: AssetRoom, work: Promise<unknown>): Promise<RunwireError> {
  const error = await work.then(
    () => null,
    (thrown) => thrown as RunwireError,
  );
  if (error === null) throw new Error('it was stored');
  const words = JSON.stringify([error.message, error.errors, error.stack, error.cause]);
  for (const hidden of [SECRET, 'q=hidden', 'path/hidden', Buffer.from(`me:${SECRET}`).toString('base64')])
    expect(words).not.toContain(hidden);
  for (const place of ['contents/coming', 'contents/new', 'uploads']) expect(room.below(place)).toEqual([]);
  expect(room.assets.list({ limit: 9 }).items).toEqual([]);
  return error;
}

test('bytes are fetched and stored with the media type that they came with', async () => {
  await using room = new AssetRoom();
  const url = await serve((request, response) => {
    response.setHeader('content-type', 'text/csv; charset=utf-8');
    response.end(request.url === '/x?a=1' ? BYTES : 'other');
  });
  const { asset } = await fetched(room, { url: `${url}/x?a=1#part`, sha256 });
  expect(asset).toMatchObject({
    type: 'file',
    digest: sha256,
    bytes: BYTES.length,
    media_type: 'text/csv; charset=utf-8',
  });
  const again = await fetched(room, { url: `${url}/x?a=1`, sha256 });
  expect(again).toEqual({ asset, isNew: false });
  const source = { url: `${url}/x?a=1`, sha256, media_type: 'text/plain' };
  expect((await room.assets.put('b', { from: 'url', source }, {})).asset.media_type).toBe('text/plain');
});

test('an archive is judged by the sum of what came, and becomes a directory', async () => {
  await using room = new AssetRoom();
  const archive = gzipSync(await tarOf([{ name: 'd/f', text: 'x' }]));
  const evil = await tarOf([{ name: '../f', text: 'x' }]);
  const url = await serve((request, response) => response.end(request.url === '/evil' ? evil : archive));
  const refused = fetched(room, { url: `${url}/evil`, sha256: hash('sha256', evil), extract: true });
  expect((await refusal(room, refused)).errors).toEqual([
    { path: 'url', message: 'has what is not taken: ../f: "../f" leads out of the directory' },
  ]);
  const wrong = fetched(room, { url: `${url}/evil`, sha256: hash('sha256', archive), extract: true });
  expect((await refusal(room, wrong)).errors?.[0]?.path).toBe('sha256');
  const { asset } = await fetched(room, { url, sha256: hash('sha256', archive), extract: true });
  expect(asset).toMatchObject({ type: 'directory', files: 1, bytes: 1, media_type: 'application/x-tar' });
});

test.each([
  ['token', `Bearer ${SECRET}`],
  ['pair', `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`],
  ['whole', `Bearer ${SECRET}`],
])(
  'a secret like %s is sent to its own origin alone, whatever redirects there are',
  async (secret, header) => {
    await using room = new AssetRoom({ secrets });
    const seen: string[] = [];
    const note =
      (where: string): RequestListener =>
      (request, response) => {
        seen.push(`${where}${request.url} ${request.headers.authorization ?? '-'}`);
        if (request.url === '/1') response.writeHead(302, { location: '/2' }).end();
        else if (request.url === '/2') response.writeHead(307, { location: `${elsewhere}/3` }).end();
        else if (request.url === '/3') response.writeHead(302, { location: `${own}/4` }).end();
        else response.end(BYTES);
      };
    const elsewhere = await serve(note('elsewhere'));
    const own = await serve(note('own'));
    await fetched(room, { url: `${own}/1`, sha256, secret });
    expect(seen).toEqual([`own/1 ${header}`, `own/2 ${header}`, 'elsewhere/3 -', 'own/4 -']);
  },
);

test('a secret is not sent where it may not go, nor one that there is none of', async () => {
  await using room = new AssetRoom({ secrets });
  let asked = 0;
  const url = await serve((_request, response) => {
    asked++;
    response.end(BYTES);
  });
  for (const secret of ['elsewhere', 'none'])
    expect((await refusal(room, fetched(room, { url, sha256, secret }))).errors?.[0]?.path).toBe('secret');
  expect(asked).toBe(0);
});

test('the guard judges the address, each redirect and what a name stands for', async () => {
  const guard = addressGuard({ deny: ['127.0.0.2/32', 'localhost'] });
  await using room = new AssetRoom({ guard });
  let reached = 0;
  const denied = await serve((_request, response) => {
    reached++;
    response.end(BYTES);
  }, '127.0.0.2');
  const open = await serve((request, response) => {
    const to =
      request.url === '/meta' ? 'http://169.254.169.254/latest?q=hidden' : `${denied}/path/hidden?q=hidden`;
    response.writeHead(302, { location: to }).end();
  });
  for (const url of [
    `${denied}/?q=hidden`,
    `${open}/?q=hidden`,
    `${open}/meta`,
    'http://169.254.169.254/latest?q=hidden',
    'http://[::ffff:169.254.169.254]/?q=hidden',
    denied.replace('127.0.0.2', 'localhost'),
    denied.replace('127.0.0.2', '0x7f000002'),
  ]) {
    const { code, message } = await refusal(room, fetched(room, { url, sha256 }));
    expect([url, code]).toEqual([url, 'invalid_field']);
    expect(message).toContain('not allowed by this server');
  }
  expect(reached).toBe(0);
});

test.each<[string, RequestListener, string]>([
  ['404', (_request, response) => response.writeHead(404).end(BYTES), 'was answered with HTTP 404 Not Found'],
  ['206', (_request, response) => response.writeHead(206).end(BYTES), 'was answered with HTTP 206'],
  [
    'a status whose words repeat the secret',
    (_request, response) => response.writeHead(403, `no ${SECRET}`).end(),
    'was answered with HTTP 403 no [redacted]',
  ],
  [
    'redirects without an end',
    (_request, response) => response.writeHead(302, { location: '/path/hidden?q=hidden' }).end(),
    'redirected too often',
  ],
  [
    'a redirect to a file',
    (_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    'redirected to a file: URL',
  ],
  [
    'less than it said',
    (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write(BYTES, () => response.destroy());
    },
    'could not be fetched',
  ],
  ['a broken connection', (request) => void request.socket.destroy(), 'could not be fetched'],
  ['another thing', (_request, response) => response.end('another thing'), 'is not that of what came'],
])('%s is not stored, and the words say what it is and no more', async (_name, answer, words) => {
  await using room = new AssetRoom({ secrets });
  const url = await serve(answer);
  const error = await refusal(
    room,
    fetched(room, { url: `${url}/path/hidden?q=hidden`, sha256, secret: 'token' }),
  );
  expect(error.code).toBe('invalid_field');
  expect(error.message).toContain(words);
});

test('more than may be is refused as soon as it is said or comes', async () => {
  await using room = new AssetRoom({ maxBytes: 100_000 });
  const url = await serve((request, response) => {
    if (request.url === '/said')
      return void response.writeHead(200, { 'content-length': 1e9 }).flushHeaders();
    const more = (): void =>
      void response.write(Buffer.alloc(30_000), (error) => error || setImmediate(more));
    more();
  });
  for (const path of ['said', 'unsaid']) {
    const error = await refusal(room, fetched(room, { url: `${url}/${path}`, sha256 }));
    expect([error.code, error.message]).toEqual([
      'body_too_large',
      'More than 100000 bytes of files (RUNWIRE_MAX_ASSET_BYTES).',
    ]);
  }
});

test('a server that falls silent, and one that never ends, are left', async () => {
  const patience = { wholeMs: 600, silentMs: 200 };
  await using room = new AssetRoom({ patience });
  const timers: NodeJS.Timeout[] = [];
  const url = await serve((request, response) => {
    response.write('x');
    if (request.url === '/drips') timers.push(setInterval(() => response.write('x'), 20));
  });
  for (const path of ['silent', 'drips'])
    expect((await refusal(room, fetched(room, { url: `${url}/${path}`, sha256 }))).message).toContain(
      'did not come in time: 0.6 s for all of it, 0.2 s of silence',
    );
  for (const timer of timers) clearInterval(timer);
});

test('a client that leaves, and a server that stops, give it up', async () => {
  const room = new AssetRoom();
  const gone = new AbortController();
  const url = await serve((request, response) => {
    response.write('x', () =>
      request.url === '/leaves' ? gone.abort(new Error('the client left')) : undefined,
    );
  });
  const left = await refusal(room, fetched(room, { url: `${url}/leaves`, sha256 }, gone.signal));
  expect(left.message).toBe('the client left');
  const stopped = refusal(room, fetched(room, { url: `${url}/stops`, sha256 }));
  await room.assets.close();
  expect((await stopped).code).toBe('draining');
  await room[Symbol.asyncDispose]();
});

test('an archive that is refused before its end is not held open', async () => {
  await using room = new AssetRoom();
  const archive = await tarOf([
    { name: '../f', text: 'x' },
    { name: 'long', text: 'x'.repeat(1_000_000) },
  ]);
  const url = await serve((_, response) => response.end(archive));
  const source = { url, sha256: hash('sha256', archive), extract: true };
  await refusal(room, fetched(room, source));
  const open = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${fd}`);
        return path.startsWith(room.dataDir) && path.includes('/coming/') ? [path] : [];
      } catch {
        return []; // that of the listing itself
      }
    });
  await expect.poll(open, { timeout: 30_000 }).toEqual([]);
});

test('so many are fetched at once, others wait for their turn, and who leaves has none', async () => {
  await using room = new AssetRoom();
  const open = new Set<ServerResponse>();
  const url = await serve((_, response) => void open.add(response));
  const left = new AbortController();
  const put = (name: string, signal?: AbortSignal) =>
    room.assets.put(name, { from: 'url', source: { url, sha256 } }, { ...(signal && { signal }) });
  const all = Array.from({ length: FETCHES_AT_ONCE + 2 }, (_, n) => put(`a${n}`));
  const over = put('b', left.signal);
  over.catch(() => {}); // told below
  await expect.poll(() => open.size).toBe(FETCHES_AT_ONCE);
  left.abort(new Error('it left'));
  await expect(over).rejects.toThrow('it left');
  const [first] = open;
  first?.end(BYTES);
  await expect.poll(() => open.size).toBe(FETCHES_AT_ONCE + 1);
  for (const response of open) response.end(BYTES);
  await expect.poll(() => open.size).toBe(FETCHES_AT_ONCE + 2);
  for (const response of open) response.end(BYTES);
  expect((await Promise.all(all)).map(({ asset }) => asset.digest)).toEqual(all.map(() => sha256));
});

test('a redirect whose host repeats the secret does not tell it', async () => {
  await using room = new AssetRoom({ secrets });
  const url = await serve((_, response) => {
    response.writeHead(302, { location: `http://${SECRET}.invalid/` }).end();
  });
  const error = await refusal(room, fetched(room, { url, sha256, secret: 'token' }));
  expect(error.errors?.[0]).toMatchObject({ path: 'url', message: expect.stringContaining('redirected to') });
});
