import { expect, test } from 'vitest';
import { sendRaw } from '../../helpers/raw-http.ts';
import { stubApp } from '../../helpers/stub-app.ts';

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const WEBSOCKET = ['Connection: Upgrade', 'Upgrade: websocket', KEY, 'Sec-WebSocket-Version: 13'];
const request = (line: string, headers: readonly string[], body = '') =>
  [`${line} HTTP/1.1`, 'Host: localhost', ...headers, '', body].join('\r\n');

test('a request that asks for an upgrade it cannot have is answered as if it had not, and is the last of its connection', async () => {
  await using stub = stubApp();
  const origin = await stub.listen();
  const second = request('GET /healthz', []);
  for (const upgrade of [
    ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
    WEBSOCKET,
  ]) {
    const answer = await sendRaw(origin, request('GET /healthz', upgrade) + second);
    expect([answer.status, answer.headers.connection]).toEqual([200, 'close']);
    const body = JSON.stringify({ runtime_kind: 'subprocess', command: ['true'] });
    const length = `Content-Length: ${body.length}`;
    const post = ['Content-Type: application/json', length, ...upgrade];
    expect((await sendRaw(origin, request('POST /invocations', post, body) + second)).status).toBe(202);
  }
});

test('a WebSocket is asked for in turn, and refused with a problem document', async () => {
  await using stub = stubApp({ token: 'secret' });
  const origin = await stub.listen();
  const bearer = 'Authorization: Bearer secret';
  const asked = (headers: readonly string[]) =>
    sendRaw(origin, request('GET /invocations/none/terminal', headers));
  const unknown = await asked([...WEBSOCKET, bearer]);
  expect([unknown.status, JSON.parse(unknown.body).code]).toEqual([404, 'invocation_not_found']);
  expect(unknown.headers).toMatchObject({
    connection: 'close',
    'content-type': 'application/problem+json',
    'x-content-type-options': 'nosniff',
  });
  expect((await asked(WEBSOCKET)).status).toBe(401);
  expect((await asked([...WEBSOCKET, bearer, 'Origin: null'])).status).toBe(403);
  const ahead = request('GET /healthz', []);
  const both = await sendRaw(
    origin,
    ahead + request('GET /invocations/none/terminal', [...WEBSOCKET, bearer]),
  );
  expect(both.text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
});

test('a handshake that is none is told what it lacks', async () => {
  await using stub = stubApp();
  const origin = await stub.listen();
  const options = { terminal: { cols: 80, rows: 24 } };
  const { id, stored } = stub.engine.submit({ runtime_kind: 'subprocess', command: ['hold'], options });
  await stored;
  const asked = (headers: readonly string[]) =>
    sendRaw(origin, request(`GET /invocations/${id}/terminal`, headers));
  const old = await asked([...WEBSOCKET.slice(0, 3), 'Sec-WebSocket-Version: 8']);
  expect([old.status, old.headers['sec-websocket-version']]).toEqual([426, '13']);
  const keyless = await asked([WEBSOCKET[0], WEBSOCKET[1], WEBSOCKET[3]].map(String));
  expect([keyless.status, JSON.parse(keyless.body).code]).toEqual([400, 'bad_request']);
});
