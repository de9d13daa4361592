import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { sendRaw } from '../helpers/raw-http.ts';
import { stubApp } from '../helpers/stub-app.ts';

describe('paths and methods', () => {
  test('a path that is none is 404', async () => {
    await using stub = stubApp();
    for (const url of ['/nope', '/invocations/a/b/c', '/invocations/']) {
      const response = await stub.app.inject({
        method: 'POST',
        url,
        payload: 'x',
        headers: { 'content-type': 'x/y' },
      });
      expect([url, response.statusCode]).toEqual([url, 404]);
      expect(response.headers['content-type']).toBe('application/problem+json');
      expect(response.headers['x-content-type-options']).toBe('nosniff');
    }
  });

  test.each([
    ['PUT', '/invocations', 'GET, HEAD, POST'],
    ['POST', '/invocations/a', 'DELETE, GET, HEAD'],
    ['GET', '/invocations/a/cancel', 'POST'],
    ['DELETE', '/invocations/a/artifacts/b?x=1', 'GET, HEAD, PUT'],
    ['PATCH', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/invocations', 'GET, HEAD, POST'],
    ['POST', '/openapi.yaml', 'GET, HEAD'],
    ['PUT', '/workspaces', 'GET, HEAD, POST'],
    ['PUT', '/workspaces/a', 'DELETE, GET, HEAD'],
    ['DELETE', '/workspaces/a/files', 'GET, HEAD, POST'],
    ['POST', '/workspaces/a/files/b/c', 'DELETE, GET, HEAD, PUT'],
    ['DELETE', '/workspaces/a/archive', 'GET, HEAD'],
    ['PUT', '/workspaces/a/snapshots', 'GET, HEAD, POST'],
    ['GET', '/workspaces/a/restore', 'POST'],
    ['GET', '/workspaces/a/reset', 'POST'],
    ['POST', '/workspaces/a/diff', 'GET, HEAD'],
    ['PUT', '/environment-specs', 'GET, HEAD'],
    ['POST', '/environment-specs/a', 'DELETE, GET, HEAD, PUT'],
    ['PATCH', '/environment-specs/a@3', 'DELETE, GET, HEAD, PUT'],
    ['DELETE', '/environment-specs/a/versions', 'GET, HEAD'],
    ['POST', '/snapshots', 'GET, HEAD'],
    ['PUT', '/snapshots/a', 'DELETE, GET, HEAD'],
    ['PUT', '/snapshots/a/files/b', 'GET, HEAD'],
    ['POST', '/snapshots/a/diff/b', 'GET, HEAD'],
  ] as const)('%s %s is 405 and says what is allowed', async (method, url, allow) => {
    await using stub = stubApp();
    const response = await stub.app.inject({ method, url });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe(allow);
    expect(response.json()).toMatchObject({
      code: 'method_not_allowed',
      detail: expect.stringContaining(`: ${allow} may be used`),
    });
  });

  test('a path that cannot be decoded is a bad request', async () => {
    await using stub = stubApp();
    const response = await stub.app.inject('/invocations/%zz');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'bad_request', instance: '/invocations/%zz' });
  });
});

describe('faults of the server', () => {
  test('are logged and not told', async () => {
    await using stub = stubApp();
    stub.engine.recordJson = () => {
      throw new Error('secret inside at /var/lib/runwire');
    };
    await stub.start('a');
    const response = await stub.app.inject('/invocations/a');
    expect(response.statusCode).toBe(500);
    expect(response.json()).toMatchObject({ code: 'internal_error', title: 'The server failed' });
    expect(response.body).not.toMatch(/secret|var\/lib/);
    expect(stub.logged).toMatchObject([
      { err: { message: 'secret inside at /var/lib/runwire' }, path: '/invocations/a' },
    ]);
  });

  test('a run that could not be stored is not accepted', async () => {
    await using stub = stubApp();
    stub.engine.submit = () => ({
      id: 'a',
      replayed: false,
      stored: Promise.reject(new Error('SQLITE_FULL')),
    });
    const payload = { runtime_kind: 'subprocess', command: ['x'] };
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', payload });
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('SQLITE');
  });
});

describe('connections', () => {
  async function dial(origin: string): Promise<Socket> {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1').setEncoding('latin1');
    await once(socket, 'connect');
    return socket;
  }

  test('bytes that are not HTTP get a problem and the end', async () => {
    await using stub = stubApp();
    const socket = await dial(await stub.listen());
    socket.write('nonsense\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json\r\n/);
    expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({ code: 'bad_request', status: 400 });
  });

  test('lines that end without CR are said to be the fault, not the version', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    const answer = await sendRaw(origin, 'GET /healthz HTTP/1.1\nHost: localhost\n\n');
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, 'bad_request']);
    expect(JSON.parse(answer.body).detail).toContain('CR LF');
    const later = await sendRaw(origin, 'GET / HTTP/1.2\r\nHost: localhost\r\n\r\n');
    expect(later.status).toBe(505);
  });

  test('a request without a Host header gets a problem', async () => {
    await using stub = stubApp();
    const socket = await dial(await stub.listen());
    socket.write('GET /invocations HTTP/1.1\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({ code: 'bad_request', status: 400 });
  });

  test('an expectation that nobody knows is passed over', async () => {
    await using stub = stubApp();
    const socket = await dial(await stub.listen());
    socket.write('GET /nope HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  });

  test('requests on one connection are answered in order, an error in between too', async () => {
    await using stub = stubApp();
    const socket = await dial(await stub.listen());
    const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    socket.write(ask('/healthz') + ask('/nope') + ask('/healthz'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await expect
      .poll(() => text.match(/HTTP\/1\.1 \d+/g))
      .toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
    socket.destroy();
  });

  test('a request whose end comes while the server closes is told so', async () => {
    await using stub = stubApp();
    const socket = await dial(await stub.listen());
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    // Two requests, one whole: its answer shows that the beginning of the other has arrived.
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /runtimes HTTP/1.1\r\nHost: loc');
    await expect.poll(() => text).toContain('{"status":"ok"}');
    const closed = stub.app.close();
    // close() takes its turn to begin; after that the server accepts no connection.
    await expect.poll(() => stub.app.server.listening).toBe(false);
    socket.write('alhost\r\n\r\n');
    await closed;
    await expect.poll(() => text).toContain('"code":"draining"');
    expect(text).toMatch(/HTTP\/1\.1 503 /);
    expect(text.toLowerCase()).toContain('connection: close');
  });
});
