import { describe, expect, test } from 'vitest';
import { ask, type RawAnswer, sendRaw } from '../../helpers/raw-http.ts';
import { stubApp } from '../../helpers/stub-app.ts';

const JSON_TYPE = 'Content-Type: application/json';
const body = JSON.stringify({ runtime_kind: 'subprocess', command: ['true'] });
const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const told = ({ status, body: text }: RawAnswer) => [status, /"code":"(\w+)"/.exec(text)?.[1]];

/** POST /invocations with these headers and this after them, Host and Connection: close added. */
const post = (origin: string, headers: readonly string[], rest: string, version = '1.1') =>
  sendRaw(
    origin,
    [`POST /invocations HTTP/${version}`, 'Host: localhost', 'Connection: close', ...headers, '', rest].join(
      '\r\n',
    ),
  );

/** Reports of workers come with one. */
const CLAIM = 'Authorization: Bearer claim';

describe('content codings', () => {
  test.each(['/invocations', '/invocations/a/stdin', '/invocations/a/cancel', '/invocations/a/events'])(
    'of a body to %s are refused with what is taken',
    async (path) => {
      await using stub = stubApp();
      await stub.start('a');
      const origin = await stub.listen();
      for (const coding of ['gzip', 'GZIP', 'identity, br', 'deflate']) {
        const answer = await ask(
          origin,
          `POST ${path}`,
          [JSON_TYPE, CLAIM, `Content-Encoding: ${coding}`],
          body,
        );
        expect(told(answer)).toEqual([415, 'unsupported_media_type']);
        expect(answer.headers['accept-encoding']).toBe('identity');
      }
      expect([stub.engine.stdinOf('a').bytes.length, stub.engine.cancels]).toEqual([0, []]);
    },
  );

  test.each(['identity', 'IDENTITY', 'identity, Identity', ''])('%j is none', async (coding) => {
    await using stub = stubApp();
    const origin = await stub.listen();
    const answer = await ask(origin, 'POST /invocations', [JSON_TYPE, `Content-Encoding: ${coding}`], body);
    expect(answer.status).toBe(202);
  });

  test('none is ever sent, whatever is accepted', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    for (const accept of ['gzip, br', 'GZIP;Q=1.0', 'identity;q=0', '*;q=0', '']) {
      const answer = await ask(origin, 'GET /runtimes', [`Accept-Encoding: ${accept}`]);
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, undefined]);
    }
  });
});

describe('a part of a resource', () => {
  test('is not taken for the whole', async () => {
    await using stub = stubApp();
    await stub.start('a');
    const headers = ['Content-Range: bytes 0-3/10', 'Content-Type: text/plain', CLAIM];
    const answer = await ask(await stub.listen(), 'PUT /invocations/a/artifacts/x', headers, 'abcd');
    expect(told(answer)).toEqual([400, 'bad_request']);
    expect(answer.body).toContain('Content-Range');
  });
});

describe('a form', () => {
  test.each(['/assets/x', '/workspaces/w/files/x', '/invocations/a/artifacts/x', '/invocations/a/files/x'])(
    'is not put to %s as if it were the bytes',
    async (path) => {
      await using stub = stubApp();
      await stub.start('a');
      const headers = ['Content-Type: Multipart/Form-Data; boundary=B', CLAIM];
      const answer = await ask(await stub.listen(), `PUT ${path}`, headers, '--B--\r\n');
      expect(told(answer)).toEqual([415, 'unsupported_media_type']);
      expect(answer.body).toContain('curl -T');
    },
  );
});

describe('framing', () => {
  test('a length and a transfer coding together are refused', async () => {
    await using stub = stubApp();
    const headers = [JSON_TYPE, 'Transfer-Encoding: chunked', `Content-Length: ${body.length}`];
    expect(told(await post(await stub.listen(), headers, chunked))).toEqual([400, 'bad_request']);
    expect(stub.engine.has('run-1')).toBe(false);
  });

  test.each([
    ['Transfer-Encoding: gzip, chunked', '1.1', 501],
    ['Transfer-Encoding: gzip', '1.1', 400],
    ['Transfer-Encoding: identity', '1.1', 400],
    ['Transfer-Encoding: chunked, chunked', '1.1', 400],
    ['Transfer-Encoding: xchunked', '1.1', 400],
    ['Transfer-Encoding: chunked', '1.0', 400],
    ['Content-Length: 1\r\nContent-Length: 1', '1.1', 400],
    ['Content-Length: +1', '1.1', 400],
    ['Content-Length: 1, 1', '1.1', 400],
  ])('%j in HTTP/%s is %s, once', async (header, version, status) => {
    await using stub = stubApp();
    const answer = await post(await stub.listen(), [JSON_TYPE, header], chunked, version);
    expect(answer.status).toBe(status);
    expect(answer.headers.connection?.toLowerCase()).toBe('close');
    expect(answer.text.match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
    expect(stub.engine.has('run-1')).toBe(false);
  });

  test.each(['chunked', 'Chunked', 'CHUNKED'])('%s is chunked', async (coding) => {
    await using stub = stubApp();
    const answer = await post(await stub.listen(), [JSON_TYPE, `Transfer-Encoding: ${coding}`], chunked);
    expect(answer.status).toBe(202);
  });

  test.each(['HTTP/2.0', 'HTTP/3.0', 'HTTP/1.7'])('%s is not spoken', async (version) => {
    await using stub = stubApp();
    const answer = await sendRaw(await stub.listen(), `GET /runtimes ${version}\r\nHost: localhost\r\n\r\n`);
    expect(told(answer)).toEqual([505, 'version_not_supported']);
  });

  // A line without a version is HTTP/0.9 (RFC 1945, 5.1), whose answers have no head and no status.
  test.each([' HTTP/0.9', ''])(
    'a request line that ends with %j is answered, and nothing is run',
    async (end) => {
      await using stub = stubApp();
      const origin = await stub.listen();
      const run = JSON.stringify({ runtime_kind: 'subprocess', command: ['true'], invocation_id: 'old' });
      for (const accept of ['text/plain', 'application/json']) {
        const head = `Host: localhost\r\nAccept: ${accept}\r\n`;
        for (const request of [
          `GET /runtimes${end}\r\n${head}\r\n`,
          `POST /invocations${end}\r\n${head}${JSON_TYPE}\r\nContent-Length: ${run.length}\r\n\r\n${run}`,
        ]) {
          const answer = await sendRaw(origin, request);
          expect([...told(answer), answer.headers.connection]).toEqual([
            505,
            'version_not_supported',
            'close',
          ]);
        }
      }
      expect(stub.engine.has('old')).toBe(false);
    },
  );

  test('nor is HTTP/2 by prior knowledge', async () => {
    await using stub = stubApp();
    const answer = await sendRaw(await stub.listen(), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect(told(answer)).toEqual([505, 'version_not_supported']);
  });
});

describe('methods', () => {
  test.each(['BREW', 'get', 'GETX', 'PROPFIND', 'X-1'])('%s is not known', async (method) => {
    await using stub = stubApp();
    const origin = await stub.listen();
    for (const path of ['/runtimes', '/nope'])
      expect(told(await ask(origin, `${method} ${path}`))).toEqual([501, 'not_implemented']);
  });

  test.each(['CONNECT localhost:80', 'CONNECT /runtimes'])('%s opens nothing', async (line) => {
    await using stub = stubApp();
    expect(told(await ask(await stub.listen(), line))).toEqual([501, 'not_implemented']);
  });

  test('TRACE is refused and gives nothing back of what it was sent', async () => {
    await using stub = stubApp();
    const answer = await ask(await stub.listen(), 'TRACE /runtimes', ['X-Secret: tell-nobody']);
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect(answer.text).not.toContain('tell-nobody');
  });
});

describe('words without case', () => {
  test.each([
    ['POST /invocations', ['Content-Type: Application/JSON; Charset="UTF-8"'], body, 202],
    ['POST /invocations', [JSON_TYPE, 'PREFER: Wait=5, Respond-Async'], body, 200],
    ['POST /invocations', [JSON_TYPE, 'Prefer: respond-async', 'Prefer: wait = "5"; x'], body, 200],
    ['POST /invocations', [JSON_TYPE, 'Prefer: foo; wait=5'], body, 202],
    ['POST /invocations', [JSON_TYPE, 'Accept: APPLICATION/*;Q=0.1'], body, 202],
    ['POST /invocations', [JSON_TYPE, 'Accept: */*;q=0'], body, 406],
    ['GET /invocations/a/stdout', ['Accept: TEXT/PLAIN'], '', 200],
    ['GET /invocations/a/stdout', ['Accept: text/plain;q=0, application/octet-stream;q=0.000'], '', 406],
  ])('%s with %j', async (line, headers, sent, status) => {
    await using stub = stubApp();
    await stub.start('a');
    stub.engine.finish('a');
    expect((await ask(await stub.listen(), line, headers, sent)).status).toBe(status);
  });

  test.each(['Close', 'CLOSE', 'x, Close'])('Connection: %s ends it', async (value) => {
    await using stub = stubApp();
    const lines = ['GET /runtimes HTTP/1.1', 'Host: localhost', `CONNECTION: ${value}`, '', ''];
    const answer = await sendRaw(await stub.listen(), lines.join('\r\n'));
    expect([answer.status, answer.headers.connection?.toLowerCase()]).toEqual([200, 'close']);
  });

  test.each(['100-continue', '100-Continue', '100-CONTINUE'])('Expect: %s is answered', async (value) => {
    await using stub = stubApp();
    const answer = await ask(await stub.listen(), 'POST /invocations', [JSON_TYPE, `Expect: ${value}`], body);
    expect(answer.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 202']);
  });
});

test('of two headers that may be there once, none is chosen', async () => {
  await using stub = stubApp();
  const origin = await stub.listen();
  for (const name of ['Host', 'Authorization', 'Content-Type', 'content-TYPE']) {
    const twice = [`${name}: application/json`, `${name}: application/json`];
    const answer = await ask(origin, 'POST /invocations', [JSON_TYPE, ...twice], body);
    expect([name, ...told(answer)]).toEqual([name, 400, 'bad_request']);
  }
  expect(stub.engine.has('run-1')).toBe(false);
});

test('what is no request is answered after the requests before it, and once', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const origin = await stub.listen();
  const answer = sendRaw(
    origin,
    'GET /invocations/a?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n\0\0\r\n\r\n',
  );
  await expect.poll(() => stub.engine.holding('a').waits).toBe(1);
  stub.engine.finish('a');
  const { text } = await answer;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
});

test('a body that breaks off in the middle of a chunk is answered at once', async () => {
  await using stub = stubApp();
  const answer = await post(
    await stub.listen(),
    [JSON_TYPE, 'Transfer-Encoding: chunked'],
    '5\r\n{"run\r\nzz\r\n',
  );
  expect(told(answer)).toEqual([400, 'bad_request']);
  expect(answer.text.match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
});

test('who sends no request is told so and not held on to, though it closes nothing', async () => {
  await using stub = stubApp();
  const answer = await sendRaw(await stub.listen(), 'nonsense\r\n\r\n');
  expect(told(answer)).toEqual([400, 'bad_request']);
  const open = () =>
    new Promise<number>((resolve) => stub.app.server.getConnections((_error, count) => resolve(count)));
  await expect.poll(open).toBe(0);
});
