import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { descriptorsOf } from '../../helpers/processes.ts';
import { type StubApp, stubApp } from '../../helpers/stub-app.ts';

/** Short, so that tests end. */
const DEADLINES = { headersMs: 700, bodyMs: 700, lookMs: 100 };
/** How long what must stay is watched. */
const WATCH_MS = 2000;

interface Client {
  socket: Socket;
  /** All that came so far. */
  text(): string;
  closed: Promise<void>;
}

async function dial(stub: Pick<StubApp, 'app' | 'listen'>): Promise<Client> {
  const { port } = stub.app.server.listening
    ? (stub.app.server.address() as { port: number })
    : { port: Number(new URL(await stub.listen()).port) };
  // Half-open: the end of the answer is not the end of the question.
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  return { socket, text: () => text, closed };
}

const connectionsOf = ({ app }: StubApp): Promise<number> =>
  new Promise((resolve, reject) =>
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );

/** Byte by byte, for as long as somebody listens. */
async function drip(socket: Socket, text: string): Promise<void> {
  for (const byte of text) {
    if (socket.destroyed || !socket.writable) return;
    socket.write(byte);
    await sleep(50);
  }
}

const BODY = JSON.stringify({ runtime_kind: 'subprocess', command: ['hold'], invocation_id: 'new' });
const postHead = (length: number, more = '') =>
  `POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;

describe('a request that comes byte by byte', () => {
  test('is refused with 408 when its header takes too long, and the connection is closed', async () => {
    await using stub = stubApp({}, DEADLINES);
    const client = await dial(stub);
    void drip(client.socket, `GET /invocations HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${'x'.repeat(1000)}`);
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(client.text()).toContain('"code":"request_timeout"');
    client.socket.destroy();
    await expect.poll(() => connectionsOf(stub)).toBe(0);
  });

  test('one that never begins is closed too', async () => {
    await using stub = stubApp({}, DEADLINES);
    const client = await dial(stub);
    await client.closed;
    client.socket.destroy();
    await expect.poll(() => connectionsOf(stub)).toBe(0);
  });

  test.each([
    ['with a length', postHead(BODY.length), BODY],
    [
      'in chunks',
      'POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      `${BODY.length.toString(16)}\r\n${BODY}`,
    ],
  ])('is refused with 408 when its body %s takes too long, and starts nothing', async (_how, head, body) => {
    await using stub = stubApp({}, DEADLINES);
    const client = await dial(stub);
    client.socket.write(head);
    void drip(client.socket, body);
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(client.text()).toContain('"code":"request_timeout"');
    client.socket.destroy();
    await expect.poll(() => connectionsOf(stub)).toBe(0);
    expect(stub.engine.has('new')).toBe(false);
    expect(stub.logged).toEqual([]);
  });

  test('standard input may take as long as it likes', async () => {
    await using stub = stubApp({}, DEADLINES);
    await stub.listen();
    await stub.start('a');
    const client = await dial(stub);
    client.socket.write(
      'POST /invocations/a/stdin?eof=true HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    for (let n = 0; n < 5; n++) {
      client.socket.write(`2\r\n${n}\n\r\n`);
      await sleep(WATCH_MS / 5);
    }
    client.socket.write('0\r\n\r\n');
    await expect.poll(client.text).toMatch(/^HTTP\/1\.1 204 /);
    expect(stub.engine.stdinOf('a')).toEqual({ bytes: Buffer.from('0\n1\n2\n3\n4\n'), closed: true });
    client.socket.destroy();
  });
});

describe('a client that leaves in the midst of its request', () => {
  test.each([
    ['header', 'POST /invocations HTTP/1.1\r\nHost: loc'],
    ['body', postHead(BODY.length) + BODY.slice(0, 20)],
    [
      'standard input',
      'POST /invocations/b/stdin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab',
    ],
  ])('%s: nothing starts, nothing stays, and nothing is wrong', async (_where, part) => {
    for (const leave of ['end', 'resetAndDestroy', 'destroy'] as const) {
      await using stub = stubApp();
      await stub.listen();
      await stub.start('b');
      const client = await dial(stub);
      client.socket.write(part);
      await sleep(100);
      client.socket[leave]();
      await client.closed;
      client.socket.destroy();
      await expect.poll(() => connectionsOf(stub), { timeout: 10_000 }).toBe(0);
      expect(stub.engine.has('new')).toBe(false);
      expect(stub.engine.stdinOf('b').closed).toBe(false);
      expect(stub.logged).toEqual([]);
    }
  });
});

describe('a client that has said its last word and waits (nc -N)', () => {
  test.each([
    ['an answer that is there at once', 'GET /invocations/a'],
    ['one that has to be stored first', 'POST /invocations'],
    ['one it waits for', 'GET /invocations/a?wait=60'],
    ['events', 'GET /invocations/a/events'],
  ])('gets %s', async (_what, line) => {
    await using stub = stubApp();
    await stub.listen();
    await stub.start('a');
    const client = await dial(stub);
    const body = line.startsWith('POST')
      ? `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
      : '\r\n';
    client.socket.end(`${line} HTTP/1.1\r\nHost: localhost\r\n${body}`);
    await sleep(WATCH_MS);
    stub.engine.finish('a');
    await client.closed;
    // It may be told to wait before it gets its answer.
    expect(client.text()).toMatch(/^(HTTP\/1\.1 100 Continue\r\n\r\n)*HTTP\/1\.1 20[02] /);
    expect(client.text()).toContain(/POST|a$/.test(line) ? '"status":"running"' : '"status":"succeeded"');
    client.socket.destroy();
    await expect.poll(() => connectionsOf(stub)).toBe(0);
    expect(stub.engine.holding('a')).toEqual({ readers: 0, waits: 0 });
  });

  test('gets a body to its end, however long that is', async () => {
    await using stub = stubApp();
    await stub.listen();
    await stub.start('a');
    for (let n = 0; n < 256; n++) stub.engine.write('a', 'stdout', Buffer.alloc(64 * 1024, 'x'));
    stub.engine.finish('a');
    const client = await dial(stub);
    client.socket.end('GET /invocations/a/stdout HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.closed;
    expect(client.text().length).toBeGreaterThan(256 * 64 * 1024);
    client.socket.destroy();
  });

  test.each([
    ['GET /invocations/a?wait=60', true],
    ['GET /invocations/a/events', true],
    ['GET /invocations/a/stdout?follow=true', true],
    ['GET /invocations/a/events', false],
  ])('one that had gone instead is noticed: %s', async (line, orderly) => {
    await using stub = stubApp();
    await stub.listen();
    await stub.start('a');
    const client = await dial(stub);
    client.socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await expect.poll(() => Object.values(stub.engine.holding('a')).join()).toMatch(/1/);
    // As a process that ends: the system says the end for it, and resets what comes after.
    if (orderly) client.socket.destroy();
    else client.socket.resetAndDestroy();
    await expect.poll(() => stub.engine.holding('a'), { timeout: 10_000 }).toEqual({ readers: 0, waits: 0 });
    await expect.poll(() => connectionsOf(stub)).toBe(0);
  });
});

test('clients that leave in the midst of any answer leave nothing behind', async () => {
  await using stub = stubApp();
  await stub.listen();
  await stub.start('done');
  for (let n = 0; n < 64; n++) stub.engine.write('done', 'stdout', Buffer.alloc(64 * 1024, 'x'));
  stub.engine.addArtifact('done', 'big', Buffer.alloc(4 * 1024 * 1024));
  stub.engine.finish('done');
  await stub.start('going');
  stub.engine.write('going', 'stdout', 'on');
  const paths = ['done/events', 'done/stdout', 'done/output', 'done/artifacts/a1', 'done'];
  paths.push('going/events', 'going/stdout?follow=true', 'going/output?follow=true', 'going?wait=600');
  const before = descriptorsOf(process.pid).length;
  for (let round = 0; round < 4; round++) {
    const clients = await Promise.all(
      paths.flatMap((path) =>
        Array.from({ length: 6 }, async (_, n) => {
          const client = await dial(stub);
          if (n % 2 === 0) client.socket.pause();
          client.socket.write(`GET /invocations/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
          return client;
        }),
      ),
    );
    await sleep(100);
    for (const [n, { socket }] of clients.entries())
      if (n % 3 === 0) socket.resetAndDestroy();
      else socket.destroy();
  }
  await expect.poll(() => connectionsOf(stub), { timeout: 10_000 }).toBe(0);
  await expect.poll(() => descriptorsOf(process.pid).length).toBeLessThanOrEqual(before);
  for (const id of ['done', 'going']) expect(stub.engine.holding(id)).toEqual({ readers: 0, waits: 0 });
  expect((await stub.app.inject('/metrics')).body).toContain('\nrunwire_open_streams 0\n');
  expect(stub.logged).toEqual([]);
});

test('a client that leaves takes the answers along that wait behind another on its connection', async () => {
  await using stub = stubApp();
  await stub.listen();
  await stub.start('a');
  stub.engine.write('a', 'stdout', 'on');
  const client = await dial(stub);
  const paths = ['a?wait=600', 'a/stdout?follow=true', 'a/events', 'a?wait=600'];
  client.socket.write(
    paths.map((path) => `GET /invocations/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''),
  );
  // One after the other: the first is what is worked on.
  await expect.poll(() => stub.engine.holding('a')).toEqual({ readers: 0, waits: 1 });
  client.socket.destroy();
  await expect.poll(() => stub.engine.holding('a')).toEqual({ readers: 0, waits: 0 });
});

test('a worker that has said its last word is given no run: it may have gone', async () => {
  const server = await buildApp();
  try {
    const client = await dial(server);
    const body = '{"wait_seconds":600}';
    client.socket.end(
      `POST /manual/claims HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 204 /);
    await server.app.inject({ method: 'POST', url: '/invocations', payload: { runtime_kind: 'manual' } });
    const claimed = await server.app.inject({ method: 'POST', url: '/manual/claims', payload: {} });
    expect(claimed.json().claim.attempt).toBe(1);
    client.socket.destroy();
  } finally {
    await server.end();
  }
});

test.each([
  'GET /invocations HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n',
])('two Host headers are 400, whatever they say', async (request) => {
  await using stub = stubApp();
  const client = await dial(stub);
  client.socket.write(request);
  await expect.poll(client.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(client.text()).toContain('"code":"bad_request"');
  client.socket.destroy();
});
