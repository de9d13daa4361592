import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pump } from '../../../routes/answers/pump.ts';

const server = createServer();
let incoming: IncomingMessage;
let response: ServerResponse;

beforeEach(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const answered = once(get({ port: (server.address() as AddressInfo).port }), 'response') as Promise<
    [IncomingMessage]
  >;
  [, response] = await asked;
  response.flushHeaders();
  [incoming] = await answered;
  incoming.on('error', () => {});
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

test('a reader that stops reading stops the source, and one that leaves ends it', async () => {
  const leave = new AbortController();
  response.once('close', () => leave.abort());
  let made = 0;
  let returned = false;
  async function* endless() {
    try {
      for (;;) {
        made++;
        yield Buffer.alloc(64 * 1024);
      }
    } finally {
      returned = true;
    }
  }
  const pumping = pump(response, endless, leave.signal);
  // Sockets hold some megabytes; after that nothing is made, however long one waits.
  let before = -1;
  await expect
    .poll(
      () => {
        const still = made === before && response.writableNeedDrain;
        before = made;
        return still;
      },
      { interval: 200 },
    )
    .toBe(true);
  expect(response.writableLength).toBeLessThan(1024 * 1024);
  incoming.destroy();
  expect(await pumping).toBe(made * 64 * 1024);
  expect(returned).toBe(true);
  expect(response.listenerCount('drain')).toBe(0);
});

test('the source of a reader that takes nothing is closed, and opened again where it was when more is taken', async () => {
  const opened: number[] = [];
  let open = 0;
  async function* from(written: number) {
    opened.push(written);
    open++;
    try {
      for (let at = written; at < 200; at++) yield Buffer.alloc(64 * 1024, at);
    } finally {
      open--;
    }
  }
  const part = 64 * 1024;
  const source = (written: number) => from(written / part);
  const pumping = pump(response, source, new AbortController().signal, 50);
  await expect.poll(() => open).toBe(0);
  const read: Buffer[] = [];
  incoming.on('data', (bytes) => read.push(bytes));
  expect(await pumping).toBe(200 * part);
  response.end();
  await once(incoming, 'end');
  const all = Buffer.concat(Array.from({ length: 200 }, (_, at) => Buffer.alloc(part, at)));
  expect(Buffer.concat(read).equals(all)).toBe(true);
  expect(opened.length).toBeGreaterThan(1);
  expect(opened).toEqual([...opened].sort((a, b) => a - b));
  expect([open, response.listenerCount('drain')]).toEqual([0, 0]);
});

test('the memory of a buffer may be used anew when the next is asked for', async () => {
  const sizes = [40_000, 7, 3000, 16_384, 64];
  async function* source() {
    const memory = Buffer.alloc(40_000);
    for (let at = 0; at < 2000; at++) yield memory.fill(at).subarray(0, sizes[at % sizes.length]);
  }
  const pumping = pump(response, source, new AbortController().signal);
  const read: Buffer[] = [];
  setTimeout(() => incoming.on('data', (bytes) => read.push(bytes)), 300);
  await pumping;
  response.end();
  await once(incoming, 'end');
  const all = Buffer.concat(Array.from({ length: 2000 }, (_, at) => Buffer.alloc(sizes[at % 5] ?? 0, at)));
  expect(Buffer.concat(read).equals(all)).toBe(true);
});

test('a reader that leaves while it has no source ends it', async () => {
  const leave = new AbortController();
  let open = 0;
  async function* endless() {
    open++;
    try {
      for (;;) yield Buffer.alloc(64 * 1024);
    } finally {
      open--;
    }
  }
  const pumping = pump(response, endless, leave.signal, 10);
  await expect.poll(() => open).toBe(0);
  leave.abort();
  expect(await pumping).toBeGreaterThan(0);
  expect(open).toBe(0);
});

test('a signal that has aborted already asks nothing of the source', async () => {
  let asked = false;
  async function* source() {
    asked = true;
    yield Buffer.from('x');
  }
  expect(await pump(response, source, AbortSignal.abort())).toBe(0);
  expect(asked).toBe(false);
});

test('an error of the source comes out', async () => {
  async function* failing() {
    yield Buffer.from('x');
    throw new Error('disk');
  }
  await expect(pump(response, failing, new AbortController().signal)).rejects.toThrow('disk');
});
