import type { RouteOptions } from 'fastify';
import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'] as const;

test('Allow lists the methods that the app has at a path, on every path it has', async () => {
  await using stub = stubApp();
  const routes: RouteOptions[] = [];
  stub.app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  await stub.app.ready();
  const urls = new Set(routes.map(({ url }) => url));
  for (const url of [...urls, '/docs/']) {
    const has = METHODS.filter((method) => stub.app.hasRoute({ method, url }));
    expect([url, has.length]).not.toEqual([url, 0]);
    // Parameters that only a router reads rightly: encoded, with a slash within, with what a pattern would end at.
    for (const value of ['a', 'a%2Fb', '%61', 'a;b', 'a:b', 'a*', '%23'])
      for (const method of METHODS.filter((one) => !has.includes(one))) {
        const path = url.replaceAll(/:\w+|\*/g, value);
        const response = await stub.app.inject({ method, url: path });
        expect([method, path, response.statusCode]).toEqual([method, path, 405]);
        expect([path, response.headers.allow]).toEqual([path, has.join(', ')]);
      }
  }
});

test('QUERY (RFC 10008) is a method that no path takes', async () => {
  await using stub = stubApp();
  const response = await stub.app.inject({ method: 'QUERY' as 'GET', url: '/invocations' });
  expect([response.statusCode, response.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
});

test('a method that HTTP does not define is not known, on any path', async () => {
  await using stub = stubApp();
  for (const url of ['/invocations', '/nope'])
    for (const method of ['PROPFIND', 'LOCK', 'SEARCH', 'PURGE'] as const) {
      const response = await stub.app.inject({ method: method as 'GET', url });
      expect([method, response.statusCode, response.json().code]).toEqual([method, 501, 'not_implemented']);
    }
});

test('a path in which a name is missing is none', async () => {
  await using stub = stubApp();
  for (const url of ['/invocations/', '/invocations//stdin', '/runtimes/', '/invocations/a/artifacts/'])
    for (const method of ['GET', 'PATCH'] as const)
      expect([url, (await stub.app.inject({ method, url })).statusCode]).toEqual([url, 404]);
});
