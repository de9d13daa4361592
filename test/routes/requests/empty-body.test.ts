import { expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { ask, sendRaw } from '../../helpers/raw-http.ts';
import { stubApp } from '../../helpers/stub-app.ts';

const TYPES = ['application/x-www-form-urlencoded', 'text/plain', 'application/json', 'banana', ''];

test.each(TYPES)('a body without a byte is none, of whatever type (%j): curl -d ""', async (type) => {
  await using server = stubApp();
  await server.start('x');
  const headers = { 'content-type': type, 'content-length': '0' };
  const post = (url: string) => server.app.inject({ method: 'POST', url, headers });
  expect((await post('/invocations/x/cancel')).statusCode).toBe(202);
  expect((await post('/manual/claims')).statusCode).not.toBe(415);
  expect((await post('/invocations/x/heartbeat')).statusCode).not.toBe(415);
});

test('it cancels, claims and beats, over a real connection, chunked too', async () => {
  const built = await buildApp();
  try {
    const url = await built.listen();
    const form = ['Content-Type: application/x-www-form-urlencoded'];
    const body = JSON.stringify({ invocation_id: 'm', runtime_kind: 'manual' });
    expect((await ask(url, 'POST /invocations', ['Content-Type: application/json'], body)).status).toBe(202);
    const claimed = await ask(url, 'POST /manual/claims', ['Content-Length: 0', ...form]);
    expect(claimed.status).toBe(200);
    const { claim } = JSON.parse(claimed.body);
    const bearer = `Authorization: Bearer ${claim.token}`;
    const beat = await ask(url, 'POST /invocations/m/heartbeat', ['Content-Length: 0', bearer, ...form]);
    expect([beat.status, JSON.parse(beat.body).cancel_requested]).toEqual([200, false]);
    const head = ['POST /invocations/m/cancel HTTP/1.1', 'Host: localhost', 'Connection: close', ...form];
    const chunked = `${[...head, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n0\r\n\r\n`;
    expect((await sendRaw(url, chunked)).status).toBe(202);
  } finally {
    await built.end();
  }
});

test('one byte of another type is refused, before the rest has come', async () => {
  await using server = stubApp();
  const url = await server.app.listen({ port: 0, host: '127.0.0.1' });
  const head = `POST /invocations/x/cancel HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\n`;
  const answer = await sendRaw(url, `${head}Content-Length: 1000000\r\n\r\nx`);
  expect(answer.status).toBe(415);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'unsupported_media_type' });
});

test('a byte order mark before JSON is passed over', async () => {
  await using server = stubApp();
  await server.start('x');
  const { app, engine } = server;
  const payload = Buffer.from('\ufeff{"grace_seconds":1}');
  const headers = { 'content-type': 'application/json' };
  expect(
    (await app.inject({ method: 'POST', url: '/invocations/x/cancel', payload, headers })).statusCode,
  ).toBe(202);
  expect(engine.cancels).toEqual([1]);
});
