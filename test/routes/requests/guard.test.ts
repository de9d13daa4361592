import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { sendRaw } from '../../helpers/raw-http.ts';
import { stubApp } from '../../helpers/stub-app.ts';

const token = 'a-long-enough-token';
const payload = { runtime_kind: 'subprocess', command: ['true'] };

describe('Host', () => {
  test.each([
    'localhost',
    'localhost:7070',
    '127.0.0.1:7070',
    '127.1.2.3',
    '[::1]:7070',
    'LocalHost',
    'box.lan',
    'proxy.lan:8443',
  ])('%s is allowed', async (host) => {
    await using stub = stubApp({ host: 'box.lan', allowedHosts: ['proxy.lan'] });
    expect((await stub.app.inject({ url: '/runtimes', headers: { host } })).statusCode).toBe(200);
  });

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:7070',
    'evil.example:127',
    '10.0.0.1',
    '0.0.0.0',
  ])('%j is refused', async (host) => {
    await using stub = stubApp();
    const response = await stub.app.inject({
      method: 'POST',
      url: '/invocations',
      headers: { host },
      payload,
    });
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ code: 'forbidden_host' });
    expect(stub.engine.has('run-1')).toBe(false);
  });

  test.each([
    ['ü.example', 'xn--tda.example:7070', 200],
    ['xn--tda.example', 'XN--TDA.example.', 200],
    ['[2001:db8::1]', '[2001:DB8:0::1]', 200],
    ['[2001:db8::1]', '[2001:db8::1]:7070', 200],
    ['[2001:db8::1]:80', '[2001:db8:0:0::1]:80', 200],
    ['[2001:db8::1]:80', '[2001:db8::1]:81', 403],
    ['[2001:db8::1]', '[2001:db8::2]', 403],
    ['proxy.lan:8443', 'proxy.lan:8443', 200],
    ['proxy.lan:8443', 'proxy.lan', 403],
    ['', '[::ffff:127.0.0.1]', 200],
    ['', '[0::1]', 200],
    ['', '[::ffff:10.0.0.1]', 403],
  ])('of RUNWIRE_ALLOWED_HOSTS=%s the host %s is %s', async (allowed, host, status) => {
    const { allowedHosts } = readConfig({ RUNWIRE_ALLOWED_HOSTS: allowed }).config;
    await using stub = stubApp({ allowedHosts });
    expect((await stub.app.inject({ url: '/runtimes', headers: { host } })).statusCode).toBe(status);
  });

  test('* allows every name', async () => {
    await using stub = stubApp({ allowedHosts: ['*'] });
    expect((await stub.app.inject({ url: '/runtimes', headers: { host: 'any.example' } })).statusCode).toBe(
      200,
    );
  });
});

test('a page of the address under which clients reach the server is its own, whatever name a proxy asks by', async () => {
  await using stub = stubApp({ publicUrl: 'https://runs.example/at' });
  const asked = (origin: string) =>
    stub.app.inject({ method: 'POST', url: '/invocations', headers: { host: 'localhost', origin }, payload });
  expect((await asked('https://runs.example')).statusCode).toBe(202);
  for (const origin of ['https://runs.example:8443', 'https://other.example', 'null'])
    expect((await asked(origin)).statusCode).toBe(403);
});

describe('Origin', () => {
  const from = (headers: Record<string, string>) =>
    ({
      method: 'POST',
      url: '/invocations',
      headers: { host: 'localhost:7070', ...headers },
      payload,
    }) as const;

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'http://localhost:3000' },
    { origin: 'http://localhost' },
    { origin: 'null' },
    { origin: '' },
    { origin: 'file://' },
    { origin: 'http://localhost:7070/path' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
  ])('%j is refused', async (headers) => {
    await using stub = stubApp();
    const response = await stub.app.inject(from(headers));
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ code: 'forbidden_origin' });
    expect(stub.engine.has('run-1')).toBe(false);
  });

  test.each([
    { origin: 'http://localhost:7070' },
    { origin: 'https://LOCALHOST:7070', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ])('%j is allowed', async (headers) => {
    await using stub = stubApp();
    expect((await stub.app.inject(from(headers))).statusCode).toBe(202);
  });

  test('a link is followed from anywhere, and nothing but a link', async () => {
    await using stub = stubApp();
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    for (const method of ['GET', 'HEAD'] as const)
      expect((await stub.app.inject({ method, url: '/invocations', headers })).statusCode).toBe(200);
  });

  test('no response tells another site that it may read', async () => {
    await using stub = stubApp();
    const response = await stub.app.inject({
      method: 'OPTIONS',
      url: '/invocations',
      headers: { origin: 'https://x.example' },
    });
    expect(response.statusCode).toBe(403);
    expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('token', () => {
  test.each([
    undefined,
    'Bearer wrong',
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, -1)}`,
    `Basic ${token}`,
    token,
    'Bearer ',
    `Bearer ${token} ${token}`,
  ])('%s is refused everywhere', async (authorization) => {
    await using stub = stubApp({ token });
    const headers = authorization === undefined ? {} : { authorization };
    await stub.start('a');
    for (const url of [
      '/invocations',
      '/invocations/a',
      '/invocations/a/events',
      '/invocations/a/stdout?follow=true',
      '/metrics',
      '/runtimes',
      '/nope',
      '/docsx',
      '/healthzx',
      '/%64ocsx',
      '/invocations/a?/docs/',
    ]) {
      const response = await stub.app.inject({ url, headers });
      expect([url, response.statusCode]).toEqual([url, 401]);
      expect(response.headers['www-authenticate']).toBe('Bearer realm="runwire"');
      expect(response.json()).toMatchObject({ code: 'unauthorized' });
    }
    const post = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload });
    expect(post.statusCode).toBe(401);
    expect(stub.engine.has('run-1')).toBe(false);
  });

  test('the right one opens, whatever the case of Bearer', async () => {
    await using stub = stubApp({ token });
    for (const authorization of [`Bearer ${token}`, `bearer ${token}`, `BEARER  ${token}`])
      expect((await stub.app.inject({ url: '/runtimes', headers: { authorization } })).statusCode).toBe(200);
  });

  test('liveness and documentation need none, but a host and no other site', async () => {
    await using stub = stubApp({ token });
    for (const url of [
      '/healthz',
      '/readyz',
      '/openapi.yaml',
      '/docs',
      '/%64ocs',
      '/docs/static/swagger-ui.css',
    ])
      expect([url, (await stub.app.inject(url)).statusCode]).toEqual([url, 200]);
    expect((await stub.app.inject({ url: '/docs', headers: { host: 'evil.example' } })).statusCode).toBe(403);
  });

  test('a stream is as closed as everything else', async () => {
    await using stub = stubApp({ token });
    await stub.start('a');
    const origin = await stub.listen();
    const refused = await fetch(`${origin}/invocations/a/events`);
    expect(refused.status).toBe(401);
    await refused.text();
    stub.engine.finish('a');
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${origin}/invocations/a/events`, { headers })).status).toBe(200);
  });
});

test('a target with a host of its own goes before the Host header', async () => {
  await using stub = stubApp({ allowedHosts: ['proxy.lan'] });
  const origin = await stub.listen();
  const from = async (target: string, host: string, ...headers: string[]) => {
    const lines = [`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', ''];
    const { status, body } = await sendRaw(origin, lines.join('\r\n'));
    return [status, /"code":"(\w+)"/.exec(body)?.[1]];
  };
  expect(await from('http://localhost/runtimes', 'evil.example')).toEqual([200, undefined]);
  expect(await from('HTTP://Proxy.lan:80/runtimes?', 'evil.example')).toEqual([200, undefined]);
  expect(await from('http://evil.example/runtimes', 'localhost')).toEqual([403, 'forbidden_host']);
  const foreign = 'Origin: http://evil.example';
  expect(await from('http://localhost/runtimes', 'evil.example', foreign)).toEqual([403, 'forbidden_origin']);
  // It is a faulty request all the same where the Host header is (RFC 9112, 3.2).
  for (const host of ['a b', 'localhost/x', 'user@localhost', 'local\\host'])
    expect(await from('http://localhost/runtimes', host)).toEqual([400, 'bad_request']);
  expect(await from('/runtimes', 'localhost:')).toEqual([200, undefined]);
});

test('the address a connection came in on is a name of the server', async () => {
  await using stub = stubApp({ host: '0.0.0.0', token, allowedHosts: [] });
  const origin = await stub.listen();
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${origin}/runtimes`, { headers })).status).toBe(200);
});
