import { readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import fastify, { type RouteOptions } from 'fastify';
import { describe, expect, test } from 'vitest';
import { declaredAccess } from '../../../routes/requests/access.ts';
import { buildApp } from '../../helpers/build-app.ts';
import { ask, type RawAnswer } from '../../helpers/raw-http.ts';
import { type StubApp, stubApp } from '../../helpers/stub-app.ts';

const token = 'a-long-enough-token';
/** Stands in the run's command: whoever reads it read the record. */
const SECRET = 'known-to-who-may-read';

interface AppRoute {
  method: string;
  url: string;
  access: string | undefined;
}

/** Every route that the app has, as it says itself. */
async function routesOf(stub: StubApp): Promise<AppRoute[]> {
  const routes: RouteOptions[] = [];
  stub.app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  await stub.app.ready();
  return routes.flatMap(({ method, url, config }) =>
    [method].flat().map((name) => ({ method: name, url, access: config?.access })),
  );
}

/** A server with a token, a finished run `a` with an artifact, and one that goes on, `b`. */
async function guarded() {
  const stub = stubApp({ token });
  const routes = await routesOf(stub);
  const origin = await stub.listen();
  await stub.engine.submit({ runtime_kind: 'subprocess', command: ['hold', SECRET], invocation_id: 'a' })
    .stored;
  stub.engine.write('a', 'stdout', SECRET);
  stub.engine.addArtifact('a', 'f.txt', SECRET);
  stub.engine.finish('a');
  await stub.start('b');
  await stub.workspaces.create({ workspace_id: 'a', metadata: { known: SECRET } });
  writeFileSync(`${stub.workspaces.rootOf('a')}/index.html`, SECRET);
  await stub.workspaces.snapshot('a', { snapshot_id: 'a' });
  await stub.workspaces.kept.specs.put('a', { runtime_kind: 'subprocess', description: SECRET });
  const bytes = Readable.from([Buffer.from(SECRET)]);
  await stub.workspaces.kept.assets.put(
    'a',
    { from: 'body', bytes, extract: false, mediaType: 'text/plain' },
    {},
  );
  return { stub, routes, origin };
}

const concrete = (url: string): string =>
  url
    .replace(':artifact_id', 'a1')
    .replace(':kind', 'subprocess')
    .replace(/:\w+/g, 'a')
    .replace('*', 'index.html');

const WITHOUT_PROOF: readonly (readonly [string, readonly string[], number])[] = [
  ['no token', [], 401],
  ['an empty one', ['Authorization:'], 401],
  ['a wrong one', ['Authorization: Bearer wrong'], 401],
  ['the right one in another scheme', [`Authorization: Basic ${token}`], 401],
  ['the right one without a scheme', [`Authorization: ${token}`], 401],
  ['two headers, one right', ['Authorization: Bearer x', `Authorization: Bearer ${token}`], 400],
  ['two right headers', [`Authorization: Bearer ${token}`, `authorization: Bearer ${token}`], 400],
];

/** Ways to write a path that a pattern over the raw target could take for another than the router does. */
const ODD: readonly ((path: string) => string)[] = [
  (path) => `${path}#/callback`,
  (path) => `${path}#`,
  (path) => `/docs/#/..${path}`,
  (path) => `${path}?/callback`,
  (path) => `${path}?x#/healthz`,
  (path) => `${path};/callback`,
  (path) => `${path}%23/callback`,
  (path) => `${path}%3F/callback`,
  (path) => `${path}%2fcallback`,
  (path) => `${path}%00/callback`,
  (path) => `/${path}`,
  (path) => `/healthz/..${path}`,
  (path) => `/docs/..${path}`,
  (path) => `/docs/%2e%2e${path}`,
  (path) => `/docs/.%2E${path}`,
  (path) => `/docs/static/..%2f..${path}`,
  (path) => `/.${path}`,
  (path) => `/docs\\..${path.replaceAll('/', '\\')}`,
  (path) => path.replaceAll('/', '%2f').replace('%2f', '/'),
  (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (path) => path.replace(/[a-z]/, (letter) => `%25${letter.charCodeAt(0).toString(16)}`),
  (path) => `${path}%`,
  (path) => `${path}%zz`,
  (path) => `${path}%ff`,
  (path) => `${path}\xff`,
  (path) => `${path}/`,
  (path) => `http://localhost${path}`,
  (path) => `HTTP://localhost/healthz/..${path}`,
  (path) => `http://localhost/docs#${path}`,
  (path) => `http://user@localhost${path}`,
  (path) => `http://localhost${path}?/docs/`,
  (path) => `//localhost${path}`,
  (path) => path.slice(1),
  () => '*',
  () => 'localhost:80',
];

/** Nothing was answered but a refusal, and nothing of what is there is in it. */
function refused(answer: RawAnswer): boolean {
  return [400, 401, 404, 405, 501].includes(answer.status) && !answer.text.includes(SECRET);
}

/** Nothing was begun, changed or removed. */
function untouched({ engine, workspaces }: StubApp): unknown {
  const { cancels, signals, callbacks } = engine;
  return {
    workspaces: workspaces.list({ limit: 9 }).items.map(({ workspace_id }) => workspace_id),
    snapshots: workspaces.kept.snapshots.list({ limit: 9 }).items.length,
    specs: workspaces.kept.specs.list({ limit: 9 }).items.map(({ name, version }) => `${name}@${version}`),
    assets: workspaces.kept.assets.list({ limit: 9 }).items.map(({ name, version }) => `${name}@${version}`),
    file: readFileSync(`${workspaces.rootOf('a')}/index.html`, 'utf8'),
    runs: engine.list({ limit: 9 }).items.length,
    status: engine.status('b'),
    cancels,
    signals,
    callbacks,
  };
}

const UNTOUCHED = {
  ...{ workspaces: ['a'], snapshots: 1, specs: ['a@1'], assets: ['a@1'], file: SECRET },
  ...{ runs: 2, status: 'running', cancels: [], signals: [], callbacks: [] },
};

describe('a server with a token', () => {
  test('has routes of every way to be let in, those that show runs behind the token', async () => {
    await using stub = stubApp({ token });
    const routes = await routesOf(stub);
    expect(new Set(routes.map(({ access }) => access))).toEqual(
      new Set(['open', 'callback-token', 'claim-token', 'token-or-claim', 'token-or-address', 'token']),
    );
    const open = routes.filter(({ access }) => access === 'open').map(({ url }) => url);
    for (const url of open)
      expect(url).toMatch(/^\/($|healthz$|readyz$|openapi\.yaml$|llms\.txt$|docs(\/|$))/);
    expect(routes).toContainEqual({ method: 'HEAD', url: '/invocations/:id', access: 'token' });
  });

  test.each(WITHOUT_PROOF)('gives none of its routes to %s', async (_name, headers, status) => {
    const { stub, routes, origin } = await guarded();
    await using _ = stub;
    const closed = routes.filter(({ access }) => access !== 'open' && access !== 'callback-token');
    expect(closed.length).toBeGreaterThan(20);
    for (const { method, url } of closed) {
      const answer = await ask(origin, `${method} ${concrete(url)}`, headers);
      expect([method, url, answer.status]).toEqual([method, url, status]);
      expect(answer.text).not.toContain(SECRET);
    }
    expect(untouched(stub)).toEqual(UNTOUCHED);
  });

  test.each(['/nope', '/invocations/a/nope', '/docsx', '/healthzx', '/invocations/a/callback/x'])(
    'does not say to who has no token whether %s exists',
    async (path) => {
      const { stub, origin } = await guarded();
      await using _ = stub;
      for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])
        expect([method, (await ask(origin, `${method} ${path}`)).status]).toEqual([method, 401]);
      // A known path with a wrong method is as closed as one that is none.
      expect((await ask(origin, 'PATCH /invocations/a')).status).toBe(401);
    },
  );

  test('is not talked round by an odd request target, on any route', { timeout: 120_000 }, async () => {
    const { stub, routes, origin } = await guarded();
    await using _ = stub;
    const closed = routes.filter(({ access }) => access !== 'open' && access !== 'callback-token');
    for (const { method, url } of closed)
      for (const odd of ODD) {
        const line = `${method} ${odd(concrete(url))}`;
        const answer = await ask(origin, line);
        expect([line, refused(answer) || answer.text]).toEqual([line, true]);
      }
    expect(untouched(stub)).toEqual(UNTOUCHED);
  });

  test.each(['CONNECT localhost:80', 'CONNECT /invocations/a', 'CONNECT *', 'GET *', 'OPTIONS *'])(
    'refuses %s',
    async (line) => {
      const { stub, origin } = await guarded();
      await using _ = stub;
      expect(refused(await ask(origin, line))).toBe(true);
    },
  );
});

test('what follows a # hides nobody from the guard: the finished run is neither told nor removed', async () => {
  const server = await buildApp({ config: { RUNWIRE_TOKEN: token } });
  try {
    const origin = await server.listen();
    const authorization = `Bearer ${token}`;
    const submitted = await fetch(`${origin}/invocations?wait=30`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ runtime_kind: 'subprocess', command: ['echo', SECRET] }),
    });
    const { invocation } = (await submitted.json()) as { invocation: { invocation_id: string } };
    const path = `/invocations/${invocation.invocation_id}`;
    for (const method of ['GET', 'HEAD', 'DELETE', 'POST'])
      for (const rest of ['#/callback', '/stdout#/callback', '?x#/callback', '#']) {
        const answer = await ask(origin, `${method} ${path}${rest}`);
        expect([method, rest, answer.status]).toEqual([method, rest, 400]);
        expect(answer.text).not.toContain(SECRET);
      }
    const record = await fetch(`${origin}${path}`, { headers: { authorization } });
    expect(await record.json()).toMatchObject({ status: 'succeeded' });
  } finally {
    await server.end();
  }
});

test('a route that does not declare who may use it stops the start', async () => {
  const app = fastify();
  declaredAccess(app);
  app.register(async (scope) => {
    scope.get('/open', { config: { access: 'open' } }, async () => 'x');
    scope.get('/forgotten', async () => 'x');
  });
  await expect(app.ready()).rejects.toThrow('GET /forgotten');
  await app.close();
});

test.each([
  ['POST', '/invocations/a/events'],
  ['POST', '/invocations/a/heartbeat'],
  ['POST', '/invocations/a/completion'],
  ['PUT', '/invocations/a/artifacts/b'],
] as const)(
  '%s %s needs the token of a claim, told before the body is looked at, also where the server has none',
  async (method, url) => {
    await using stub = stubApp();
    await stub.start('a');
    const headers = { 'content-type': 'application/json' };
    const response = await stub.app.inject({ method, url, headers, payload: '{"no":"such"}' });
    expect([response.statusCode, response.json().code]).toEqual([401, 'unauthorized']);
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
  },
);
