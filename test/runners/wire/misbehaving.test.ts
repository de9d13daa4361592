import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, type RawBackend, startRawBackend } from '../../fixtures/raw-backend.ts';
import { artifact, call, response, stdout, summary } from '../http/scene.ts';

let raw: RawBackend;
beforeEach(async () => {
  raw = await startRawBackend();
});
afterEach(() => raw[Symbol.asyncDispose]());

const lines = (): string[] => raw.seen.map(({ line }) => line.replace(' HTTP/1.1', ''));

test.each([
  ['100, which nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['100, with headers', 'HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n'],
  ['102 and 103', 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ['a status that is not known yet', 'HTTP/1.1 199 Soon\r\n\r\n'],
])('%s is no answer: the one behind it is', async (_name, before) => {
  raw.on('/', [before, 5, answer(200, [], 'ok')]);
  const record = await call({ url: raw.url });
  expect(record).toMatchObject({ status: 'succeeded', result: { exit_code: 200 } });
  expect(stdout(record)).toBe('ok');
});

test('a header that is repeated counts once where it is always the same, and redirects by two places are not followed', async () => {
  raw.on('/', [answer(302, ['Location: /there', 'Location: /there'])]);
  raw.on('/there', [answer(200, ['Content-Type: text/plain', 'Content-Type: text/plain'], 'here')]);
  const same = await call({ url: raw.url });
  expect(lines()).toEqual(['POST /', 'GET /there']);
  expect(artifact(same, 'body').metadata.media_type).toBe('text/plain');
  expect(response(same).headers['content-type']).toEqual(['text/plain', 'text/plain']);
  raw.on('/', [answer(302, ['Location: /there', 'Location: /elsewhere'])]);
  const differing = await call({ url: raw.url });
  expect(differing.status).toBe('failed');
  expect(summary(differing)).toBe('HTTP 302 X: not redirected: the answer has 2 different location headers');
  raw.on('/', [answer(200, ['Content-Type: text/plain', 'Content-Type: text/html'])]);
  expect(artifact(await call({ url: raw.url }), 'body').metadata.media_type).toBe('application/octet-stream');
});

test('Retry-After that is repeated is a wait, and what is no header is left out', async () => {
  raw.on('/', [answer(503, ['Retry-After: 0', 'Retry-After: 0'])], [answer(200, ['__proto__: x'], 'ok')]);
  const record = await call({ url: raw.url, retry: { attempts: 2, backoff_seconds: 0 } });
  expect(record.status).toBe('succeeded');
});

test('a Location in UTF-8 leads where it says, and is shown as it is; ISO 8859-1 is read as such', async () => {
  raw.on('/', [Buffer.from(answer(302, ['Location: /echo/\u00fc']), 'utf8')]);
  raw.on('/echo/%C3%BC', [answer(200)]);
  const record = await call({ url: raw.url });
  expect(lines()).toEqual(['POST /', 'GET /echo/%C3%BC']);
  expect(response(record).redirects).toEqual([{ status: 302, url: `${raw.url}/` }]);
  raw.on('/', [answer(200, ['X-Name: J\u00fcrgen'])]);
  expect(response(await call({ url: raw.url })).headers['x-name']).toBe('J\u00fcrgen');
  raw.on('/', [Buffer.from(answer(201, ['Location: /echo/\u65e5']), 'utf8')]);
  expect(response(await call({ url: raw.url })).headers.location).toBe('/echo/\u65e5');
});

test('no coding is welcome but the plain one, unless the invocation says otherwise', async () => {
  const zipped = gzipSync('hello').toString('latin1');
  raw.on('/', [answer(200, ['Content-Encoding: gzip'], zipped)]);
  await call({ url: raw.url });
  expect(raw.seen[0]?.text).toMatch(/^accept-encoding: identity/im);
  const record = await call({ url: raw.url, headers: { 'Accept-Encoding': 'gzip' } });
  expect(raw.seen[1]?.text.match(/^accept-encoding: .*/gim)).toEqual(['accept-encoding: gzip']);
  expect(artifact(record, 'body').metadata.size_bytes).toBe(String(zipped.length));
});

test.each([301, 302, 303, 307, 308])(
  '%s with an empty Location leads nowhere, and nothing is sent twice',
  async (status) => {
    raw.on('/', [answer(status, ['Location: '])]);
    const record = await call({ url: raw.url });
    expect(record).toMatchObject({ status: 'failed', result: { exit_code: status } });
    expect(summary(record)).toBe(`HTTP ${status} X: redirected to nowhere: its Location is empty`);
    expect(lines()).toEqual(['POST /']);
  },
);

test('what does something is not sent again to where it was sent', async () => {
  raw.on('/a', [answer(307, ['Location: /b'])]);
  raw.on('/b', [answer(308, ['Location: /a#again'])]);
  const record = await call({ url: `${raw.url}/a` });
  expect(summary(record)).toBe('HTTP 308 X: redirected to where it was sent already');
  expect(lines()).toEqual(['POST /a', 'POST /b']);
});

test.each([
  ['/there', 'GET /there'],
  ['there?x=1', 'GET /deep/there?x=1'],
  ['?y', 'GET /deep/path?y'],
  ['../up', 'GET /up'],
  ['//127.0.0.1:PORT/other', 'GET /other'],
])('a redirect to %s is seen from where it came', async (location, wanted) => {
  const { port } = new URL(raw.url);
  raw.on('/deep/path', [answer(302, [`Location: ${location.replace('PORT', port)}`])], [answer(200)]);
  for (const path of ['/there', '/deep/there', '/up', '/other']) raw.on(path, [answer(200)]);
  expect((await call({ url: `${raw.url}/deep/path?x=0` })).status).toBe('succeeded');
  expect(lines().at(-1)).toBe(wanted);
});

test.each([
  ['is cut', 'HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nok', 'failed', 'ok'],
  ['has more than it says', 'HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nokmore', 'succeeded', 'ok'],
  [
    'is followed by another answer',
    `HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok${answer(500, [], 'no')}`,
    'succeeded',
    'ok',
  ],
  [
    'has two lengths that are one',
    'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok',
    'failed',
    '',
  ],
  [
    'breaks off within a chunk',
    'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok',
    'failed',
    'ok',
  ],
])('a body that %s', async (_name, bytes, status, kept) => {
  raw.on('/', [bytes]);
  const record = await call({ url: raw.url });
  expect(record.status).toBe(status);
  expect(stdout(record)).toBe(kept);
});

test('an answer that drips byte by byte is whole', async () => {
  raw.on('/', [...answer(200, ['X: y'], 'hello')]);
  expect(stdout(await call({ url: raw.url }))).toBe('hello');
});

test('addresses are sent as they are given, and what is added is appended', async () => {
  raw.on('/p', [answer(200)]);
  const sent = async (url: string, query?: object) => {
    await call({ url: raw.url + url, method: 'GET', ...(query && { query }) });
    return raw.seen.at(-1)?.line.split(' ')[1];
  };
  expect(await sent('/p?')).toBe('/p?');
  expect(await sent('/p?a=b%20c&d=e+f&flag&x=%7e')).toBe('/p?a=b%20c&d=e+f&flag&x=%7e');
  expect(await sent('/p?a=b%20c&flag', { d: 'e f', n: [1, true] })).toBe('/p?a=b%20c&flag&d=e+f&n=1&n=true');
  expect(await sent('/p?#part', { d: '' })).toBe('/p?d=');
});

test.each([
  'gzip',
  'gzip, chunked',
  'x-own',
  'identity',
  'chunked, identity',
  'identity, chunked',
  'chunked, chunked',
  'chunked;a=b',
])(
  'a body in the Transfer-Encoding %s, which nobody asked for, is not told as if it were the content',
  async (coding) => {
    raw.on('/', [`HTTP/1.1 200 X\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`]);
    const record = await call({ url: raw.url });
    expect([record.status, record.result?.exit_code, stdout(record)]).toEqual(['failed', 200, '']);
    expect(summary(record)).toContain(`the Transfer-Encoding ${coding}, which nobody asked for`);
  },
);

test.each([
  ['has an empty element behind it', 'chunked,'],
  ['has one behind a space', 'chunked ,'],
  ['has one in a line of its own', 'chunked\r\nTransfer-Encoding: ,'],
  ['ends in a tab', 'chunked\t'],
  ['ends in a tab and spaces', 'chunked \t '],
  ['ends in a tab before a folded line', 'chunked\t\r\n '],
])(
  'a body in chunks whose coding %s, which the parser does not see, is never told with their frames',
  async (_name, coding) => {
    const text = `HTTP/1.1 200 X\r\nTransfer-Encoding: ${coding}\r\nX-Y: z\r\n\r\n2\r\nok\r\n0\r\n\r\n`;
    raw.on('/', [text], [...text]);
    for (const _ of ['at once', 'in bytes']) {
      const record = await call({ url: raw.url });
      expect([record.status, record.result?.exit_code, stdout(record)]).toEqual(['failed', 200, '']);
      expect(summary(record)).toContain(', whose chunks are not told apart');
    }
  },
);

test.each(['chunked', 'CHUNKED', ', chunked', ' ,,\tchunked  ', '\r\n chunked', 'chunked\r\nX-Y: a\t'])(
  'a body in the Transfer-Encoding %j is read',
  async (coding) => {
    raw.on('/', [`HTTP/1.1 200 X\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`]);
    const record = await call({ url: raw.url });
    expect([record.status, stdout(record)]).toEqual(['succeeded', 'ok']);
  },
);

test.each([
  ['is closed by the head', 'HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok\r\n\r\nmore'],
  ['is of HTTP/1.0 and kept', 'HTTP/1.0 200 X\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok'],
  [
    'has chunks with extensions',
    'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2;a="b;c"\r\nok\r\n0;z\r\n\r\n',
  ],
  ['has trailers', 'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: u\r\n\r\n'],
  ['is 205 with content', 'HTTP/1.1 205 X\r\nContent-Length: 2\r\n\r\nok'],
  [
    'names protocols that nobody asked for',
    'HTTP/1.1 200 X\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nok',
  ],
])('an answer that %s is whole', async (_name, bytes) => {
  raw.on('/', [bytes]);
  const record = await call({ url: raw.url });
  expect([record.status, stdout(record)]).toEqual(['succeeded', 'ok']);
});

test.each([304, 401, 421, 426])('%s is an answer like others', async (code) => {
  raw.on('/', [
    `HTTP/1.1 ${code} X\r\nUpgrade: x\r\nConnection: upgrade\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n`,
  ]);
  const record = await call({ url: raw.url, method: 'GET' });
  expect([record.status, record.result?.exit_code, raw.seen.length]).toEqual(['failed', code, 1]);
});
