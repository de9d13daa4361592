import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

const LENGTH = 5_000_000;
const PIECE = Buffer.alloc(65_536, 'x');
const JSON_TYPE = 'Content-Type: application/json';
const FORM = 'Content-Type: multipart/form-data; boundary=b';
const CHUNKED = 'Transfer-Encoding: chunked';

async function sendTo(origin: string, head: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1' }).setEncoding('latin1');
  await once(socket, 'connect');
  socket.pause();
  socket.write(head);
  return socket;
}

test.each([
  ['a body over the limit', 'POST /invocations', `${JSON_TYPE}\r\nContent-Length: ${LENGTH}`, '', 413],
  ['one in chunks', 'POST /invocations', `${JSON_TYPE}\r\n${CHUNKED}`, 'ffffff\r\n', 413],
  ['another type', 'POST /invocations', `Content-Type: text/plain\r\nContent-Length: ${LENGTH}`, '', 415],
  [
    'another type in chunks',
    'POST /invocations',
    `Content-Type: text/plain\r\n${CHUNKED}`,
    'ffffff\r\n',
    415,
  ],
  ['a coding', 'POST /invocations', `Transfer-Encoding: gzip, chunked`, 'ffffff\r\n', 501],
  [
    'a part over the limit',
    'POST /invocations',
    `Connection: close\r\n${FORM}\r\nContent-Length: ${LENGTH}`,
    '--b\r\nContent-Disposition: form-data; name="invocation"\r\n\r\n',
    413,
  ],
  ['no such path', 'POST /nope', `Connection: close\r\nContent-Length: ${LENGTH}`, '', 404],
])(
  'a client that sends all of its request before it reads gets the answer: %s',
  async (_what, line, fields, begin, status) => {
    await using stub = stubApp({ maxBodyBytes: 65_536 });
    const socket = await sendTo(
      await stub.listen(),
      `${line} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n${begin}`,
    );
    const failures: unknown[] = [];
    socket.on('error', (error) => failures.push(error));
    // The answer is there before the rest is sent.
    await sleep(50);
    for (let left = LENGTH - begin.length; left > 0 && !socket.destroyed; left -= PIECE.length)
      await new Promise((written) => socket.write(PIECE.subarray(0, Math.min(left, PIECE.length)), written));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.resume();
    await expect.poll(() => text, { timeout: 4000 }).toMatch(/\r\n\r\n\{.*\}$/s);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\\r\\nconnection: close\\r\\n`, 'i'));
    expect(failures).toEqual([]);
    socket.destroy();
  },
);

test('a client that neither goes on nor leaves is left', async () => {
  await using stub = stubApp({ maxBodyBytes: 65_536 });
  const socket = await sendTo(
    await stub.listen(),
    `POST /invocations HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}\r\nContent-Length: ${LENGTH}\r\n\r\n`,
  );
  socket.on('error', () => {});
  const connections = (): Promise<number> =>
    new Promise((resolve) => stub.app.server.getConnections((_error, count) => resolve(count)));
  socket.resume();
  // Its side stays open.
  socket.allowHalfOpen = true;
  await expect.poll(connections).toBe(0);
  socket.destroy();
});
