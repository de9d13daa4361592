import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, jsonAnswer, type RawBackend, startRawBackend } from '../../fixtures/raw-backend.ts';
import { app, ended, run, start, stdout, summary } from './scene.ts';

let raw: RawBackend;
beforeEach(async () => {
  raw = await startRawBackend();
});
afterEach(() => raw[Symbol.asyncDispose]());

const done = jsonAnswer(200, '{"status":"completed"}');
const watched = (more: Record<string, unknown> = {}) =>
  run({ url: `${raw.url}/jobs`, poll_url_template: undefined, ...more }, { timeout_seconds: 20 });
const byId = { poll_url_template: '/{run_id}' };
/** An answer that ends with its connection. */
const coded = (lines: string[], body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 202 X\r\n${lines.join('\r\n')}\r\n\r\n`), body]);

test.each([
  ['within its body', 'Content-Length: 50\r\n\r\n{"id":', {}],
  ['behind its document', 'Content-Length: 50\r\n\r\n{"id":"p"}', byId],
  ['behind its last chunk', 'Transfer-Encoding: chunked\r\n\r\na\r\n{"id":"p"}\r\n0\r\n', byId],
  ['as its coding is not known', 'Transfer-Encoding: gzip\r\n\r\nxx', {}],
  ['as its chunks are not told apart', 'Transfer-Encoding: chunked,\r\n\r\na\r\n{"id":"p"}\r\n0\r\n\r\n', {}],
])(
  'a job whose acknowledgement breaks off %s is watched where enough of it came',
  async (_name, text, more) => {
    raw.on('/jobs', [`HTTP/1.1 202 X\r\nLocation: /p\r\n${text}`]);
    raw.on('/p', [done]);
    const record = await watched(more);
    expect([record.status, summary(record)]).toEqual(['succeeded', '']);
    expect(raw.seen.map(({ line }) => line)).toEqual(['POST /jobs HTTP/1.1', 'GET /p HTTP/1.1']);
  },
);

test.each([
  ['in two lines', 'Content-Length: 10\r\nContent-Length: 10', 'the answer says its length twice'],
  ['in one line', 'Content-Length: 10, 10', 'Content-Length'],
])(
  'a job whose acknowledgement says its length twice %s is told as lost, and may go on',
  async (_name, lines, words) => {
    raw.on('/jobs', [`HTTP/1.1 202 X\r\nLocation: /p\r\n${lines}\r\n\r\n{"id":"p"}`]);
    const record = await watched();
    expect([record.status, record.outcome?.ended, record.outcome?.retry_safe]).toEqual([
      'failed',
      'lost',
      false,
    ]);
    expect(summary(record)).toContain(words);
    expect(summary(record)).toContain('a job that it began may go on');
  },
);

test('a job of which too little came is not guessed at', async () => {
  raw.on('/jobs', ['HTTP/1.1 202 X\r\nContent-Length: 50\r\n\r\n{"id":"p']);
  expect(summary(await watched(byId))).toBe('kickoff: the connection was closed');
  expect(summary(await watched())).toBe('kickoff: the connection was closed');
});

test.each([
  [
    'several codings in headers of their own',
    coded(['Content-Encoding: gzip', 'Content-Encoding: br'], brotliCompressSync(gzipSync('{"id":"p"}'))),
  ],
  ['several in one', coded(['Content-Encoding: gzip, br'], brotliCompressSync(gzipSync('{"id":"p"}')))],
  [
    'one that is said twice',
    coded(['Content-Encoding: gzip', 'Content-Encoding: gzip'], gzipSync('{"id":"p"}')),
  ],
  ['deflate without its header', coded(['Content-Encoding: deflate'], deflateRawSync('{"id":"p"}'))],
])('an acknowledgement with %s is read', async (_name, bytes) => {
  raw.on('/jobs', [bytes]);
  raw.on('/p', [done]);
  expect((await watched(byId)).status).toBe('succeeded');
});

test.each([
  ['is cut', 'HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n{"status":"fai'],
  ['is coded for the way', 'HTTP/1.1 200 X\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
  [
    'has chunks that are not told apart',
    'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked,\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  ],
  ['says that nothing was modified', 'HTTP/1.1 304 X\r\n\r\n'],
  ['is 205', 'HTTP/1.1 205 X\r\nContent-Length: 0\r\n\r\n'],
])('a poll whose answer %s is borne', async (_name, bytes) => {
  raw.on('/jobs', [answer(202, ['Location: /p'])]);
  raw.on('/p', [bytes], [done]);
  const record = await watched();
  expect([record.status, stdout(record)]).toEqual(['succeeded', '{"status":"completed"}']);
});

test('a redirect is followed no earlier than it asks, and a run that ends meanwhile waits no longer', async () => {
  raw.on('/jobs', [answer(202, ['Location: /p'])]);
  raw.on('/p', [answer(303, ['Location: /p', 'Retry-After: 3600'])]);
  await start('slow', { url: `${raw.url}/jobs`, poll_url_template: undefined, poll_timeout_seconds: 3600 });
  await expect.poll(() => raw.seen.length).toBe(2);
  app.engine.cancel('slow');
  expect((await ended('slow')).status).toBe('cancelled');
  expect(raw.seen.length).toBe(2);
});
