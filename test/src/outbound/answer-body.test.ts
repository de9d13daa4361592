import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { openConnections } from '../../../src/outbound/connections.ts';
import { type Exchange, exchange } from '../../../src/outbound/exchange.ts';

interface Taken {
  result: Exchange;
  bytes: Buffer;
  /** Of each piece: its length, and how often others had had their turn before. */
  pieces: { length: number; turn: number }[];
}

/** Takes an answer as slowly as a taker may be that has much to do with each piece. */
async function takenFrom(answer: (socket: Socket) => void, pieceBytes?: number): Promise<Taken> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connections = openConnections(addressGuard());
  const chunks: Buffer[] = [];
  const pieces: Taken['pieces'] = [];
  let turn = 0;
  let counts = true;
  const count = (): void => {
    turn++;
    if (counts) setImmediate(count);
  };
  count();
  try {
    const result = await exchange(
      connections,
      {
        method: 'GET',
        url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
        headers: {},
        body: null,
      },
      {
        head: () => true,
        data: (chunk) => {
          chunks.push(Buffer.from(chunk));
          pieces.push({ length: chunk.length, turn });
          const end = performance.now() + 12;
          while (performance.now() < end); // it works
        },
        pieceBytes,
      },
      new AbortController().signal,
    );
    return { result, bytes: Buffer.concat(chunks), pieces };
  } finally {
    counts = false;
    connections.close();
    server.close();
  }
}

const content = Buffer.from(Array.from({ length: 400_000 }, (_, at) => at % 251));
const inChunks = (bytes: Buffer): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes.length / 10_000) }, (_, at) => {
      const chunk = bytes.subarray(at * 10_000, (at + 1) * 10_000);
      return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    }),
  );

const HEAD = 'HTTP/1.1 200 OK\r\nConnection: close\r\n';
const answers: [string, (socket: Socket) => void, whole: boolean][] = [
  [
    'of a known length',
    (socket) => socket.end(Buffer.concat([Buffer.from(`${HEAD}Content-Length: 400000\r\n\r\n`), content])),
    true,
  ],
  [
    'in chunks',
    (socket) =>
      socket.end(
        Buffer.concat([
          Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`),
          inChunks(content),
          Buffer.from('0\r\n\r\n'),
        ]),
      ),
    true,
  ],
  [
    'that ends with the connection',
    (socket) => socket.end(Buffer.concat([Buffer.from(`${HEAD}\r\n`), content])),
    true,
  ],
  [
    'that breaks off',
    (socket) =>
      socket.end(
        Buffer.concat([Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`), inChunks(content)]),
      ),
    false,
  ],
];

test.each(answers)(
  'a burst of an answer %s is taken whole, and others have turns meanwhile',
  async (_what, answer, whole) => {
    const { result, bytes, pieces } = await takenFrom(answer, 8192);
    expect(bytes.equals(content)).toBe(true);
    expect(result.error === null).toBe(whole);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(8192);
    // Each piece takes longer than a slice.
    expect(new Set(pieces.map(({ turn }) => turn)).size).toBe(pieces.length);
  },
);

test('no more is read while a taker is not through: however much comes, little of it is held', async () => {
  const PIECE = 16 * 1024;
  const LENGTH = 32 * 1024 * 1024;
  let sent = 0;
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.write(`${HEAD}Content-Length: ${LENGTH}\r\n\r\n`);
        const more = (): void => {
          while (sent < LENGTH) {
            sent += 256 * 1024;
            if (!socket.write(Buffer.alloc(256 * 1024, sent % 251))) return void socket.once('drain', more);
          }
        };
        more();
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connections = openConnections(addressGuard());
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  let [taken, busy, together, held] = [0, 0, 0, 0];
  const taker = (failsAt: number) => ({
    head: () => true,
    async data(chunk: Buffer) {
      together = Math.max(together, ++busy);
      taken += chunk.length;
      held = Math.max(held, sent - taken);
      await new Promise<void>((next) => setImmediate(next));
      busy--;
      if (taken >= failsAt) throw new Error('the disk is full');
    },
    pieceBytes: PIECE,
  });
  const request = { method: 'GET', url, headers: {}, body: null };
  const { signal } = new AbortController();
  try {
    expect((await exchange(connections, request, taker(Number.POSITIVE_INFINITY), signal)).error).toBe(null);
    expect([taken, together]).toEqual([LENGTH, 1]);
    // What the system holds of a connection, and some pieces more.
    expect(held).toBeLessThan(LENGTH / 2);
    taken = 0;
    sent = 0;
    const failed = await exchange(connections, request, taker(1_000_000), signal);
    expect(failed.error?.message).toBe('the disk is full');
    expect(taken).toBeLessThan(1_000_000 + PIECE);
  } finally {
    connections.close();
    server.close();
  }
});
