import { describe, expect, test } from 'vitest';
import { MAX_TARGET_LENGTH, readTarget } from '../../../routes/requests/target.ts';
import { ask, sendRaw } from '../../helpers/raw-http.ts';
import { stubApp } from '../../helpers/stub-app.ts';

describe('readTarget', () => {
  test.each([
    ['GET', '/', '/', null],
    ['GET', '/a?b=/../c', '/a?b=/../c', null],
    ['GET', '/a..b/.c/...', '/a..b/.c/...', null],
    ['GET', '//a', '//a', null],
    ['GET', '/a%2Fb%23', '/a%2Fb%23', null],
    ['GET', '/a?b=|[]{}^`\\', '/a?b=|[]{}^`\\', null],
    ['GET', 'http://h/a?b', '/a?b', 'h'],
    ['GET', 'hTTps://H:1', '/', 'H:1'],
    ['GET', 'http://[::1]:80?b', '/?b', '[::1]:80'],
    ['GET', 'http://h//a', '//a', 'h'],
  ])('%s %s is the path %s of %s', (method, raw, path, authority) => {
    expect(readTarget(method, raw)).toEqual({ path, authority, isServer: false, fault: null });
  });

  test.each(['*', 'http://localhost'])('OPTIONS %s asks for the server as a whole', (raw) => {
    expect(readTarget('OPTIONS', raw)).toMatchObject({ isServer: true, fault: null });
  });

  test.each([
    '/a#b',
    '/a?b#c',
    'http://h#a',
    'http://h/a#',
    '*',
    'h:80',
    'a',
    '',
    'ftp://h/a',
    'http://',
    'http:///a',
    'http://u@h/a',
    'http://u:p@h/a',
    'http://h:x/a',
    'http://a\\b/c',
    '/./a',
    '/a/.',
    '/a/..',
    '/a/../b?c',
    '/a/%2e%2E/b',
    '/a/.%2e',
    'http://h/../a',
    '/a\\b',
    '/%00',
    '/a%',
    '/a%z',
    '/a%f',
    '/%ff',
    '/a?b=%',
    '/a?b=%c3%28',
    '/ü',
    '/a?\x80',
    '/a b',
    '/a\x7f',
  ])('GET %j is refused', (raw) => {
    expect(readTarget('GET', raw)).toMatchObject({ fault: { code: 'bad_request' } });
  });

  test('what is refused is routed nowhere', () => {
    expect(readTarget('GET', '/invocations#').path).toBe('/');
  });
});

describe('the server', () => {
  test('finds the same run by every way to write its path', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a:b');
    for (const target of [
      '/invocations/a:b',
      '/invocations/a%3Ab',
      '/invocations/a%3ab',
      '/%69nvocations/%61:b',
      'http://localhost/invocations/a:b',
      `http://127.0.0.1:${new URL(origin).port}/invocations/a%3Ab?wait=0`,
    ])
      expect([target, (await ask(origin, `GET ${target}`)).status]).toEqual([target, 200]);
    // Other characters of a name, not the end of one, and no other run.
    for (const target of [
      '/invocations/a:b;x',
      '/invocations/a%253Ab',
      '/invocations/a:b%23',
      '/INVOCATIONS/a:b',
    ])
      expect([target, (await ask(origin, `GET ${target}`)).status]).toEqual([target, 404]);
  });

  test('says what is wrong with a target, and which it was', async () => {
    await using stub = stubApp();
    const answer = await ask(await stub.listen(), 'GET /invocations#x');
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(JSON.parse(answer.body)).toMatchObject({ instance: '/invocations#x', code: 'bad_request' });
    expect(answer.body).toContain('%23');
  });

  test('answers OPTIONS * with what it knows, and takes * for nothing else', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    const answer = await ask(origin, 'OPTIONS *');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'DELETE, GET, HEAD, POST, PUT']);
    expect((await ask(origin, 'GET *')).status).toBe(400);
  });

  test('tells a target that is too long from a header that is', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    const code = ({ status, body }: { status: number; body: string }) => [status, JSON.parse(body).code];
    const path = (length: number) => `/invocations/${'a'.repeat(length - '/invocations/'.length)}`;
    expect(code(await ask(origin, `GET ${path(MAX_TARGET_LENGTH)}`))).toEqual([404, 'invocation_not_found']);
    expect(code(await ask(origin, `GET ${path(MAX_TARGET_LENGTH + 1)}`))).toEqual([414, 'target_too_long']);
    expect(code(await ask(origin, `GET ${path(33_000)}`))).toEqual([414, 'target_too_long']);
    expect(code(await ask(origin, 'GET /runtimes', [`X: ${'a'.repeat(40_000)}`]))).toEqual([
      431,
      'header_too_large',
    ]);
    const many = Array.from({ length: 5000 }, (_, n) => `X${n}: aaaa`);
    expect(code(await ask(origin, 'GET /runtimes', many))).toEqual([431, 'header_too_large']);
    // One that is whole before it on the same connection changes nothing.
    const first = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const { text } = await sendRaw(origin, `${first}GET /${'a'.repeat(33_000)} HTTP/1.1\r\n`);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 414']);
  });

  test('heeds a header after two thousand others', async () => {
    await using stub = stubApp({ token: 'a-long-enough-token' });
    const origin = await stub.listen();
    const many = Array.from({ length: 2500 }, () => 'X: a');
    const answer = await ask(origin, 'GET /runtimes', [...many, 'Authorization: Bearer a-long-enough-token']);
    expect(answer.status).toBe(200);
  });
});
