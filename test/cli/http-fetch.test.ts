import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { httpFetch } from '../../cli/process/http-fetch.ts';
import { type Answer, type Asking, Runwire } from '../../client/runwire.ts';
import { makeCertificates } from '../fixtures/certificates.ts';
import { json, scriptedServer, text } from '../helpers/scripted-server.ts';

const asking = (more: Partial<Asking> = {}): Asking => ({
  ...{ method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal },
  ...more,
});

async function read({ body }: Answer): Promise<string> {
  let all = '';
  for await (const part of body ?? []) all += Buffer.from(part).toString('latin1');
  return all;
}

/** Answers every request with these bytes, and says nothing more. */
async function rawServer(answer: string, then: (socket: Socket) => void = () => {}) {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {}).once('data', () => socket.write(answer, 'latin1', () => then(socket)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

describe('The fetch of the command line', () => {
  test.each([
    ['nothing', undefined, ''],
    ['a string', 'grüße', 'grüße'],
    ['bytes', Buffer.from('bytes'), 'bytes'],
    ['a Blob', new Blob(['a blob']), 'a blob'],
  ])('sends %s', async (_what, body, came) => {
    let told = {};
    await using server = await scriptedServer((response, request, sent) => {
      told = {
        method: request.method,
        sent,
        length: request.headers['content-length'],
        mine: request.headers.mine,
      };
      json({ ok: true }, 201)(response, request, sent);
    });
    const answer = await httpFetch(
      `${server.url}/a?b=c`,
      asking({ method: 'POST', headers: { mine: 'x' }, ...(body && { body }) }),
    );
    expect(told).toEqual({ method: 'POST', sent: came, length: String(Buffer.byteLength(came)), mine: 'x' });
    expect([answer.ok, answer.status, answer.headers.get('content-type')]).toEqual([
      true,
      201,
      'application/json',
    ]);
    expect(await read(answer)).toBe('{"ok":true}');
  });

  test('follows no redirect, passes over what comes before an answer, and takes no other protocol', async () => {
    await using elsewhere = await scriptedServer(text('', 302, { location: 'http://127.0.0.1:1/' }));
    expect((await httpFetch(elsewhere.url, asking())).status).toBe(302);
    await using hinting = await rawServer(
      'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
    );
    expect(await read(await httpFetch(hinting.url, asking()))).toBe('ok');
    await using switching = await rawServer(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    );
    await expect(httpFetch(switching.url, asking())).rejects.toThrow();
  });

  test.each([
    ['closed', `${CHUNKED}3\r\none\r\n`, (socket: Socket) => void socket.end()],
    ['reset', `${CHUNKED}3\r\none\r\n`, (socket: Socket) => setImmediate(() => socket.resetAndDestroy())],
    [
      'shorter than was said',
      'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\none',
      (socket: Socket) => void socket.end(),
    ],
    ['no chunks any more', `${CHUNKED}3\r\none\r\nnonsense`, () => {}],
  ])('fails while an answer is read that is %s', async (_what, bytes, then) => {
    await using server = await rawServer(bytes, then);
    const answer = await httpFetch(server.url, asking());
    await expect(read(answer)).rejects.toThrow();
  });

  test('ends with the reason of its signal: before it asks, before the answer, and while that is read', async () => {
    const reason = new Error('enough');
    await using silent = await rawServer('');
    await expect(httpFetch(silent.url, asking({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(silent.sockets).toHaveLength(0);
    const waiting = new AbortController();
    const asked = expect(httpFetch(silent.url, asking({ signal: waiting.signal }))).rejects.toBe(reason);
    await expect.poll(() => silent.sockets.length).toBe(1);
    waiting.abort(reason);
    await asked;
    await expect.poll(() => silent.sockets[0]?.closed).toBe(true);
    await using slow = await rawServer(`${CHUNKED}3\r\none\r\n`);
    const reading = new AbortController();
    const parts = (await httpFetch(slow.url, asking({ signal: reading.signal })))
      .body as AsyncIterable<Uint8Array>;
    const left = parts[Symbol.asyncIterator]();
    expect(Buffer.from((await left.next()).value).toString()).toBe('one');
    const ended = expect(left.next()).rejects.toBe(reason);
    reading.abort(reason);
    await ended;
    await expect.poll(() => slow.sockets[0]?.closed).toBe(true);
  });

  test('reads no faster than it is taken, and gives up what is not read to its end', async () => {
    let written = 0;
    const part = Buffer.alloc(1 << 16, 'x');
    await using server = await rawServer('HTTP/1.1 200 OK\r\n\r\n', (socket) => {
      const more = (): void => {
        while (socket.write(part)) written += part.length;
        written += part.length;
      };
      socket.on('drain', more);
      more();
    });
    const controller = new AbortController();
    const { body } = await httpFetch(server.url, asking({ signal: controller.signal }));
    let before = -1;
    const isAtRest = (): boolean => {
      const was = before;
      before = written;
      return was === written;
    };
    await expect.poll(isAtRest, { interval: 500 }).toBe(true);
    expect(written).toBeLessThan(64e6);
    for await (const _first of body as AsyncIterable<Uint8Array>) break;
    await expect.poll(() => server.sockets[0]?.closed).toBe(true);
  });

  test('goes on with a connection that is there', async () => {
    const ports = new Set<number>();
    await using server = await scriptedServer((response, request) => {
      ports.add(request.socket.remotePort ?? 0);
      json({ invocation: {}, result: null })(response, request, '');
    });
    const run = new Runwire({ url: server.url, fetch: httpFetch }).attach('a');
    for (let n = 0; n < 5; n++) await run.refresh();
    expect(ports.size).toBe(1);
  });

  test('says of a certificate that is not trusted, and of what is no TLS, that nothing was asked', async () => {
    const { cert, key } = makeCertificates();
    const server = createTlsServer({ cert, key }, (_request, response) => response.end()).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const of = (url: string) => new Runwire({ url, fetch: httpFetch, retrySeconds: 0 }).attach('a').refresh();
    await expect(of(`https://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'unreachable' });
    server.close();
    await using plain = await scriptedServer(json({}));
    await expect(of(plain.url.replace('http:', 'https:'))).rejects.toMatchObject({ code: 'unreachable' });
  });
});
