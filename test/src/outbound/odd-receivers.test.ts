import { expect, test } from 'vitest';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { postWebhook } from '../../../src/outbound/signed-post.ts';
import { startRawBackend } from '../../fixtures/raw-backend.ts';

const post = (url: string) =>
  postWebhook({ url, headers: {}, body: '{}', guard: addressGuard(), signal: AbortSignal.timeout(20_000) });

test.each([
  ['changes to another protocol', 'HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n'],
  ['closes without a word', ''],
  ['says what is no HTTP', 'SSH-2.0-x\r\n\r\n'],
])('a receiver that %s has not answered, and is not waited for', async (_name, bytes) => {
  await using raw = await startRawBackend();
  raw.on('/', [bytes]);
  await expect(post(raw.url)).rejects.toThrow();
});

test.each(['chunked,', 'chunked, identity', 'gzip', 'chunked\t'])(
  'a receiver whose answer is in the Transfer-Encoding %j has answered: its status is what counts',
  async (coding) => {
    await using raw = await startRawBackend();
    raw.on('/', [`HTTP/1.1 200 X\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`]);
    expect((await post(raw.url)).status).toBe(200);
  },
);

test.each([
  ['says its length twice', 'Content-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
  ['says it twice in one line', 'Content-Length: 2, 2\r\n\r\nok'],
  ['says two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
  ['has a length beside chunks', 'Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok'],
])('a receiver whose answer %s has answered: it is not sent again', async (_name, text) => {
  await using raw = await startRawBackend();
  raw.on('/', [...`HTTP/1.1 204 X\r\n${text}`]);
  raw.on('/103', [`HTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 410 X\r\n${text}`]);
  expect([(await post(raw.url)).status, (await post(`${raw.url}/103`)).status]).toEqual([204, 410]);
});

test('an answer that is refused for anything else than its length is none', async () => {
  await using raw = await startRawBackend();
  raw.on('/', ['HTTP/1.1 200 X\r\nA b\r\n\r\n']);
  await expect(post(raw.url)).rejects.toThrow();
});
