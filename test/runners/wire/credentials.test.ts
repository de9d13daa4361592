import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registryOf } from '../../../runners/docker/image.ts';
import { ConfigError, readConfig } from '../../../src/config.ts';
import { type Backend, json, redirect, startBackend } from '../../fixtures/backend.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';

const PASSWORD = 'swordfish-7319';
let app: BuiltApp;
let backend: Backend;
let logged = '';
const write = (line: string): void => {
  logged += line;
};
beforeAll(async () => {
  backend = await startBackend();
  app = await buildApp({ log: pino({ level: 'trace' }, { write }) });
});
afterAll(async () => {
  await app.end();
  await backend[Symbol.asyncDispose]();
});

const http = { url: 'http://h.invalid/' };
const job = { ...http, poll_status_path: 'status', poll_terminal_states: ['done'], poll_run_id_path: 'id' };
const needed = Object.fromEntries(
  ['poll_status_path', 'poll_terminal_states', 'poll_run_id_path'].map((key) => [`http.${key}`, 'x']),
);

/** Every field that is an address, and an invocation that has `url` there. */
const FIELDS: Readonly<Record<string, (url: string) => Record<string, unknown>>> = {
  'options.on_finish.url': (url) => ({
    runtime_kind: 'subprocess',
    command: ['true'],
    options: { on_finish: { url } },
  }),
  'options.manual.dispatch_url': (url) => ({
    runtime_kind: 'manual',
    options: { manual: { dispatch_url: url } },
  }),
  'options.http.url': (url) => ({ runtime_kind: 'http', options: { http: { url } } }),
  'options.http_async.url': (url) => ({
    runtime_kind: 'http_async',
    options: { http_async: { ...job, url } },
  }),
  'options.http_async.poll_url_template': (url) => ({
    runtime_kind: 'async-http',
    options: { http_async: { ...job, poll_url_template: `${url}{run_id}` } },
  }),
  'options.http_async.stream_url_template': (url) => ({
    runtime_kind: 'http_async',
    options: { http_async: { ...job, stream_url_template: url } },
  }),
  'options.http_async.cancel.url_template': (url) => ({
    runtime_kind: 'http_async',
    options: { http_async: { ...job, cancel: { url_template: url } } },
  }),
  'metadata.http.url': (url) => ({ runtime_kind: 'http', metadata: { 'http.url': url } }),
  'metadata.http.poll_url_template': (url) => ({
    runtime_kind: 'http_async',
    metadata: { ...needed, 'http.url': http.url, 'http.poll_url_template': url },
  }),
};
const FORMS = [
  ...[`http://me:${PASSWORD}@h/`, `https://${PASSWORD}@h/x?y#z`, 'http://@h/', 'http://:@h/'],
  ...[`http:me:${PASSWORD}@h/`, ` http:\\\\me:${PASSWORD}@h/`, `http://me:${PASSWORD}@[/`],
];

test.each(Object.entries(FIELDS))(
  'credentials in %s are refused by its name, and kept nowhere',
  async (path, of) => {
    for (const form of FORMS) {
      const answer = await app.app.inject({ method: 'POST', url: '/invocations', payload: of(form) });
      expect([answer.statusCode, form]).toEqual([422, form]);
      expect(answer.json().errors.map((error: { path: string }) => error.path)).toEqual([path]);
      expect(answer.body).not.toContain(PASSWORD);
    }
    expect((await app.app.inject('/invocations')).json()).toMatchObject({ items: [] });
    expect(filesWith(app.dataDir, PASSWORD)).toEqual([]);
    expect(logged).not.toContain(PASSWORD);
  },
);

test('an image with credentials is refused by its name', async () => {
  const image = `me:${PASSWORD}@registry.example.com/app`;
  const payload = { runtime_kind: 'docker', command: ['true'], options: { docker: { image } } };
  const answer = await app.app.inject({ method: 'POST', url: '/invocations', payload });
  expect(answer.statusCode).toBe(422);
  expect(answer.json().errors).toMatchObject([{ path: 'options.docker.image' }]);
  expect(answer.body).not.toContain(PASSWORD);
});

test('the secret of one registry is not for another, however the engine is told of it', () => {
  // With a capital letter the engine takes it for a host.
  expect(registryOf('EVIL/app')).toBe('EVIL');
  expect(registryOf('evil/app')).toBe('docker.io');
  expect(registryOf('evil.example/app@sha256:00')).toBe('evil.example');
  expect(registryOf('[::1]:5000/app')).toBe('[::1]');
});

test.each([
  ['RUNWIRE_PUBLIC_URL', `http://me:${PASSWORD}@h`, 'must not contain a user or password'],
  ['RUNWIRE_PUBLIC_URL', `http://me:${PASSWORD}@[`, 'must be an http or https URL'],
  ['DOCKER_HOST', `tcp://me:${PASSWORD}@h:2375`, 'must not contain a user or password'],
])('credentials in %s stop the start and are not shown', (variable, value, words) => {
  let lines: readonly string[] = [];
  try {
    readConfig({ [variable]: value });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    lines = error.lines;
  }
  expect(lines).toEqual([`${variable} ${words}`]);
});

test('credentials in an address that a backend gives are not used and not told', async () => {
  const bad = `http://me:${PASSWORD}@${backend.url.slice('http://'.length)}/end`;
  backend.on('/', redirect(bad, 307));
  backend.on('/job', json({}, 202, { location: bad }));
  const spec = { url: `${backend.url}/job`, poll_status_path: 'status', poll_terminal_states: ['done'] };
  const led = await app.run({ runtime_kind: 'http', options: { http: { url: backend.url } } });
  const named = await app.run({ runtime_kind: 'http_async', options: { http_async: spec } });
  expect(led.result?.error_summary).toBe('HTTP 307 Temporary Redirect: redirected to a URL with credentials');
  expect(named.result?.error_summary).toBe(
    'the address the backend gave must not contain a user or password',
  );
  const told = [led, named].map(async ({ invocation }) => {
    const headers = { accept: 'application/x-ndjson' };
    return (await app.app.inject({ url: `/invocations/${invocation.invocation_id}/events`, headers })).body;
  });
  expect(JSON.stringify([led, named, await Promise.all(told)])).not.toContain(PASSWORD);
  expect(logged).toContain(named.invocation.invocation_id);
  expect(logged).not.toContain(PASSWORD);
  expect(backend.seen.map(({ path }) => path)).toEqual(['/', '/job']);
});

test('a fragment is allowed everywhere and sent nowhere', async () => {
  backend.on('/run', redirect('/end#two', 307));
  backend.on('/end', json({}));
  const { invocation } = await app.run({
    runtime_kind: 'http',
    options: { http: { url: `${backend.url}/run#one` }, on_finish: { url: `${backend.url}/done#three` } },
  });
  const state = () => app.engine.record(invocation.invocation_id).on_finish?.attempts;
  await expect.poll(state, { timeout: 5000 }).toBe(1);
  expect(backend.seen.slice(-3).map(({ path }) => path)).toEqual(['/run', '/end', '/done']);
  const dispatched = `${backend.url}/work#four`;
  await app.app.inject({
    method: 'POST',
    url: '/invocations',
    payload: { runtime_kind: 'manual', options: { manual: { dispatch_url: dispatched } } },
  });
  await expect.poll(() => backend.seen.at(-1)?.path, { timeout: 5000 }).toBe('/work');
});

function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
}
