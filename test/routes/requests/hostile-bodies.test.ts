import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { sendRaw } from '../../helpers/raw-http.ts';
import { stubApp } from '../../helpers/stub-app.ts';

test('a body of more values than anybody means is refused before an error is made of each', async () => {
  await using stub = stubApp();
  const post = async (url: string, payload: object) => {
    const answer = await stub.app.inject({ method: 'POST', url, payload });
    return [answer.statusCode, answer.json().errors?.[0]?.message];
  };
  const many = Array.from({ length: 100_000 }, () => 1);
  const more = 'has more than 50000 values';
  const run = { runtime_kind: 'subprocess', command: ['true'] };
  expect(await post('/invocations', { ...run, command: many })).toEqual([422, more]);
  expect(await post('/invocations', { ...run, options: { http: { query: { a: many } } } })).toEqual([
    422,
    more,
  ]);
  // What is only passed on may be as long as a body may be.
  expect((await post('/invocations', { ...run, metadata: { body: 'x' } }))[0]).toBe(202);
});

test('a long hostile body is refused by its extent, whether it is JSON or not', async () => {
  await using stub = stubApp({ maxBodyBytes: 17 * 1024 * 1024 });
  const origin = await stub.listen();
  const half = 8_000_000;
  for (const [metadata, message] of [
    [`"${'\\u0061'.repeat(half / 6)}",[${'{"a":1},'.repeat(half / 8)}1]`, 'has more than 50000 values'],
    [`"${'x'.repeat(half)}",${'['.repeat(half)}`, 'is nested deeper than 500 levels'],
  ]) {
    const body = `{"runtime_kind":"subprocess","command":["true"],"metadata":{"a":[${metadata}]}}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/invocations`, { method: 'POST', headers, body });
    const { code, errors } = (await answer.json()) as { code: string; errors: unknown };
    expect([code, errors]).toEqual(['invalid_invocation', [{ path: '', message }]]);
  }
});

test('a batch of too many events is refused by its length', async () => {
  const built = await buildApp({ config: { RUNWIRE_MAX_BODY_BYTES: '4MiB' } });
  try {
    const url = await built.listen();
    const json = { 'content-type': 'application/json' };
    await fetch(`${url}/invocations`, {
      method: 'POST',
      headers: json,
      body: '{"runtime_kind":"manual","invocation_id":"m"}',
    });
    const { claim } = (await (await fetch(`${url}/manual/claims`, { method: 'POST' })).json()) as {
      claim: { token: string };
    };
    for (const count of [10_001, 400_000]) {
      const answer = await fetch(`${url}/invocations/m/events`, {
        method: 'POST',
        headers: { ...json, authorization: `Bearer ${claim.token}` },
        body: JSON.stringify(Array.from({ length: count }, () => 1)),
      });
      expect(answer.status).toBe(422);
    }
  } finally {
    await built.end();
  }
});

test('requests that are sent ahead are worked on one after the other', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const origin = await stub.listen();
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').setEncoding('latin1');
  await once(socket, 'connect');
  const line = (method: string, path: string, more = '') =>
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
  socket.write(
    line('GET', '/invocations/a?wait=1') + line('POST', '/invocations/a/cancel', 'Connection: close\r\n'),
  );
  await sleep(300);
  expect(stub.engine.cancels, 'while the first waits').toEqual([]);
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 202']);
  expect(stub.engine.cancels).toEqual([undefined]);
});

test.each([
  ['a token that is missing', 'POST /invocations', 401],
  ['a path that is not there', 'POST /nope', 401],
])('who asks before it sends is not told to send for %s', async (_name, line, status) => {
  await using stub = stubApp({ token: 'a-long-enough-token' });
  const answer = await sendRaw(
    await stub.listen(),
    `${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\n\r\n`,
  );
  expect(answer.text).not.toContain('100 Continue');
  expect(answer.status).toBe(status);
});

test('nor for a body that is too long; a good one is asked for', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const origin = await stub.listen();
  const head = (length: number) =>
    `POST /invocations/a/cancel HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const refused = await sendRaw(origin, head(50_000_000));
  expect([refused.status, refused.text.includes('100 Continue')]).toEqual([413, false]);
  const taken = await sendRaw(origin, `${head(2)}{}`);
  expect(taken.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
});

test('a request of which a part came holds no stopping server', async () => {
  const built = await buildApp();
  const { port } = new URL(await built.listen());
  const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await built.end();
  await closed;
});
