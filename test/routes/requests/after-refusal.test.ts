import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

const REST = 'x'.repeat(300_000);
const FORM = 'Content-Type: multipart/form-data; boundary=b';
const part = (name: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n`;
/** With its length, which is more than the server takes of it. */
const withLength = (text: string): string => `Content-Length: ${text.length + REST.length}\r\n\r\n${text}`;

test.each([
  [
    'an archive that is none',
    'POST /invocations',
    `${FORM}\r\n${withLength(`${part('archive')}none of them\r\n${part('a')}`)}`,
    422,
  ],
  [
    'a file of a faulty name',
    'POST /invocations',
    `${FORM}\r\n${withLength(`${part('a').replace('"f"', '"../f"')}`)}`,
    422,
  ],
  [
    'a part over its limit',
    'POST /invocations',
    `${FORM}\r\n${withLength(part('invocation') + 'y'.repeat(70_000))}`,
    413,
  ],
  ['a form that is none', 'POST /invocations', `${FORM}\r\n${withLength('--b\r\nnonsense\r\n\r\n')}`, 400],
  ['a coding', 'POST /invocations', `Content-Encoding: br\r\n${withLength('text')}`, 415],
  [
    'input of an unknown run',
    'POST /invocations/nope/stdin',
    `Content-Type: a/b\r\n${withLength('text')}`,
    404,
  ],
  ['a path that is not there', 'POST /nope', withLength('text'), 404],
  ['a wrong method', 'PUT /invocations', withLength('text'), 405],
])('after %s the next request of the connection is answered', async (_what, line, begun, status) => {
  await using stub = stubApp({ maxBodyBytes: 65_536 });
  const socket = connect(Number(new URL(await stub.listen()).port), '127.0.0.1').setEncoding('latin1');
  socket.on('error', () => {}); // one that is closed while it is written to
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n${begun}`);
  await sleep(20);
  socket.write(REST);
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await expect.poll(() => socket.closed, { timeout: 4000 }).toBe(true);
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => Number(code));
  expect(statuses).toEqual([status, 200]);
});
