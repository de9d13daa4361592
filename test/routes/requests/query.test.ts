import type { RouteOptions } from 'fastify';
import { expect, test } from 'vitest';
import { type StubApp, stubApp } from '../../helpers/stub-app.ts';

/** Bodies that the routes take which want one. */
const BODIES: Readonly<Record<string, object>> = {
  '/invocations': { runtime_kind: 'subprocess', command: ['hold'] },
  '/invocations/:id/signals': { signal: 'SIGINT' },
  '/invocations/:id/completion': { status: 'succeeded' },
  '/workspaces': {},
  '/sessions': { runtime_kind: 'subprocess' },
  '/workspaces/:workspace_id/restore': { snapshot_id: 'a' },
  '/environment-specs/:name': { runtime_kind: 'subprocess' },
  '/mcp': {},
};

/** Parameters that they want. */
const NEEDED: Readonly<Record<string, string>> = {
  '/invocations/:id/callback': '&token=good',
  '/workspaces/:workspace_id/diff': '&from=a',
};

/** Every route of the app, as it is asked for. */
async function routesOf(stub: StubApp) {
  const routes: RouteOptions[] = [];
  stub.app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  await stub.app.ready();
  return routes.flatMap(({ method, url }) =>
    [method].flat().map((name) => ({
      method: name as 'GET',
      route: url,
      path: url.replace(':artifact_id', 'a1').replace(':kind', 'subprocess').replace(/:\w+/g, 'a'),
    })),
  );
}

test.each([
  ['state=failed', 'state', 'is not a known'],
  ['__proto__=x', '__proto__', 'is not a known'],
  ['state=failed&state=failed', 'state', 'more than once'],
  ['state=', 'state', 'is empty'],
])('every route refuses ?%s and names it', async (query, path, words) => {
  await using stub = stubApp();
  const routes = await routesOf(stub);
  expect(routes.length).toBeGreaterThan(30);
  await stub.start('a');
  for (const { method, route, path: asked } of routes) {
    const body = BODIES[route] ?? (route.endsWith('/events') ? [] : undefined);
    const url = `${asked.replace('*', 'index.html')}?${query}${NEEDED[route] ?? ''}`;
    const response = await stub.app.inject({
      method,
      url,
      headers: { authorization: 'Bearer of-a-claim' },
      ...(method !== 'GET' && body && { payload: body }),
    });
    expect([method, route, response.statusCode]).toEqual([method, route, 400]);
    if (method === ('HEAD' as string)) continue;
    const { code, errors } = response.json();
    expect([method, route, code, errors]).toEqual([
      method,
      route,
      'bad_request',
      [{ path, message: expect.stringContaining(words) }],
    ]);
  }
});

test.each([
  ['/invocations/a', 'wait', ['', '-1', '0x10', '1e', '.5', '1e400', ' 5', '5s', 'Infinity']],
  ['/invocations/a/events', 'after', ['', '-1', '1.5', '0x10', '+1']],
  ['/invocations', 'limit', ['', '0', '0x10', '1e-2', '2.5']],
  ['/invocations/a/stdout', 'follow', ['', '1', 'TRUE']],
])('%s refuses a %s that is none', async (path, name, values) => {
  await using stub = stubApp();
  await stub.start('a');
  for (const value of values) {
    const response = await stub.app.inject(`${path}?${name}=${encodeURIComponent(value)}`);
    expect([value, response.statusCode]).toEqual([value, 400]);
    expect(response.json()).toMatchObject({ code: 'bad_request', errors: [{ path: name }] });
  }
});

test('a parameter that is there twice is refused also where both say the same', async () => {
  await using stub = stubApp();
  for (const query of ['limit=1&limit=2', 'limit=1&limit=1', 'runtime_name=a&runtime_name=b']) {
    const response = await stub.app.inject(`/invocations?${query}`);
    expect(response.json()).toMatchObject({
      status: 400,
      errors: [{ path: query.split('=')[0], message: 'is there more than once' }],
    });
  }
});

test('parameters in decimal digits are taken, with a fraction where one makes sense', async () => {
  await using stub = stubApp();
  await stub.start('a');
  for (const url of [
    '/invocations/a?wait=0.01',
    '/invocations/a?wait=0',
    '/invocations?limit=2',
    '/invocations/a/events?after=0&follow=false',
    '/healthz?',
  ])
    expect([url, (await stub.app.inject(url)).statusCode]).toEqual([url, 200]);
});
