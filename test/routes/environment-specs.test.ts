import { randomUUID } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { EnvironmentSpec, REFUSED_IN_SPECS } from '../../src/documents/environment-spec.ts';
import { buildEngine, type TestEngine } from '../helpers/build-engine.ts';
import { exited, scripted } from '../helpers/fake-runner.ts';

const newId = (word: string): string => `${word}-${randomUUID().slice(0, 8)}`;

const build = (config: Record<string, string> = {}): TestEngine =>
  buildEngine({
    config,
    runners: [
      scripted(async () => exited(), {
        setsUp: true,
        spec: z.strictObject({ size: z.number().optional(), data: z.unknown().optional() }),
        verbatim: ['data'],
      }),
    ],
  });

const asker =
  (engine: TestEngine, name: string) =>
  (method: InjectOptions['method'], body?: object | string, headers: Record<string, string> = {}, end = '') =>
    engine.request({
      method: method ?? 'GET',
      url: `/environment-specs/${name}${end}`,
      ...(body !== undefined && { payload: body }),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    });

const SPEC = { runtime_kind: 'scripted', environment: { A: '1' } };

test('PUT makes a version: 201, and 200 for the same again; the document says which', async () => {
  await using engine = build();
  const name = newId('spec');
  const ask = asker(engine, name);
  const made = await ask('PUT', SPEC);
  expect(made.statusCode).toBe(201);
  const spec = EnvironmentSpec.parse(made.json());
  expect(spec).toMatchObject({ name, version: 1, ...SPEC });
  expect(spec.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(made.headers).toMatchObject({
    etag: `"${spec.digest}"`,
    location: `/environment-specs/${name}@1`,
  });
  const again = await ask('PUT', '{ "environment": {"A":"1"}, "runtime_kind": "scripted" }');
  expect([again.statusCode, again.json()]).toEqual([200, spec]);
  const next = await ask('PUT', { ...SPEC, description: 'more' });
  expect([next.statusCode, next.json().version]).toEqual([201, 2]);
  expect((await ask('GET')).json()).toEqual(next.json());
  expect((await ask('GET', undefined, {}, '@1')).json()).toEqual(spec);
  expect((await ask('GET', undefined, {}, '%401')).json()).toEqual(spec);
  expect((await ask('GET', undefined, {}, '@3')).json()).toMatchObject({
    status: 404,
    code: 'spec_not_found',
  });
  expect((await ask('HEAD')).headers.etag).toBe(`"${next.json().digest}"`);
});

test('what is there is replaced, and deleted, as If-Match and If-None-Match say', async () => {
  await using engine = build();
  const ask = asker(engine, newId('spec'));
  const codes = async (...all: Parameters<typeof ask>) => (await ask(...all)).statusCode;
  expect(await codes('PUT', SPEC, { 'if-match': '*' })).toBe(412);
  expect(await codes('PUT', SPEC, { 'if-match': '"x"' })).toBe(412);
  expect(await codes('PUT', SPEC, { 'if-none-match': '*' })).toBe(201);
  expect(await codes('PUT', SPEC, { 'if-none-match': '*' })).toBe(412);
  const etag = String((await ask('GET')).headers.etag);
  expect(await codes('PUT', SPEC, { 'if-match': etag })).toBe(200);
  expect(await codes('PUT', { ...SPEC, environment: {} }, { 'if-match': etag })).toBe(201);
  // Somebody else was first.
  expect(await codes('PUT', { ...SPEC, environment: { B: '' } }, { 'if-match': etag })).toBe(412);
  // What is no spec is told before the condition is.
  expect(await codes('PUT', { runtime_kind: 3 }, { 'if-match': etag })).toBe(422);
  expect((await ask('GET')).json().version).toBe(2);
  const now = String((await ask('GET')).headers.etag);
  expect(await codes('GET', undefined, { 'if-none-match': now })).toBe(304);
  expect(await codes('GET', undefined, { 'if-match': etag })).toBe(412);
  expect(await codes('GET', undefined, { 'if-match': etag }, '@1')).toBe(200);
  expect(await codes('DELETE', undefined, { 'if-match': etag })).toBe(412);
  expect(await codes('DELETE', undefined, { 'if-match': now })).toBe(204);
  expect(await codes('DELETE', undefined, { 'if-match': '*' })).toBe(404);
});

test('what was read can be put again as it is: what the server told of it says nothing', async () => {
  await using engine = build();
  const name = newId('spec');
  const ask = asker(engine, name);
  const spec = (await ask('PUT', { ...SPEC, setup: { commands: ['true'] } })).json();
  const again = await ask('PUT', (await ask('GET')).json());
  expect([again.statusCode, again.json()]).toEqual([200, spec]);
  const changed = await ask('PUT', { ...spec, environment: { A: '2' } });
  expect([changed.statusCode, changed.json()]).toMatchObject([201, { version: 2, environment: { A: '2' } }]);
  // An old one over it.
  expect((await ask('PUT', spec)).json()).toMatchObject({ version: 3, digest: spec.digest });
  const elsewhere = await asker(engine, newId('other'))('PUT', spec);
  expect([elsewhere.statusCode, elsewhere.json().errors]).toEqual([
    422,
    [{ path: 'name', message: expect.stringContaining(`is ${name}, and it is put to `) }],
  ]);
});

test('one version is neither deleted nor put alone, and it is said what can be done', async () => {
  await using engine = build();
  const name = newId('spec');
  const ask = asker(engine, name);
  expect((await ask('DELETE', undefined, {}, '@1')).statusCode).toBe(404);
  await ask('PUT', SPEC);
  const refused = await ask('DELETE', undefined, {}, '@1');
  expect([refused.statusCode, refused.json().code, refused.headers.allow]).toEqual([
    ...[405, 'method_not_allowed', 'GET, HEAD'],
  ]);
  expect(refused.json().detail).toContain(`DELETE of ${name} deletes all of them`);
  expect((await ask('DELETE', undefined, {}, '@2')).statusCode).toBe(404);
  const put = await ask('PUT', SPEC, {}, '@1');
  expect([put.statusCode, put.json().errors]).toEqual([
    422,
    [{ path: 'name', message: expect.stringContaining(`a PUT to ${name} makes the next one`) }],
  ]);
  expect((await ask('GET', undefined, {}, '@1')).statusCode).toBe(200);
});

test('of many that replace the same one at once, one does', async () => {
  await using engine = build();
  const ask = asker(engine, newId('spec'));
  const etag = String((await ask('PUT', SPEC)).headers.etag);
  const all = await Promise.all(
    [...'abcdefgh'].map((B) => ask('PUT', { ...SPEC, environment: { B } }, { 'if-match': etag })),
  );
  const codes = all.map(({ statusCode }) => statusCode);
  expect(codes.sort()).toEqual([201, ...Array<number>(7).fill(412)]);
  expect((await ask('GET')).json().version).toBe(2);
});

test('lists are of the newest versions, and of all of one name, in pages', async () => {
  await using engine = build();
  const [a, b] = [newId('a'), newId('b')];
  for (const environment of [{}, { A: '' }]) await asker(engine, a)('PUT', { ...SPEC, environment });
  await asker(engine, b)('PUT', SPEC);
  const list = async (path: string) => {
    const { items, next_cursor } = (await engine.get(path)).json() as {
      items: EnvironmentSpec[];
      next_cursor: string | null;
    };
    return [items.map(({ name, version }) => `${name}@${version}`), next_cursor] as const;
  };
  expect(await list('/environment-specs')).toEqual([[`${b}@1`, `${a}@2`], null]);
  const [first, cursor] = await list('/environment-specs?limit=1');
  expect(first).toEqual([`${b}@1`]);
  expect(await list(`/environment-specs?limit=1&cursor=${cursor}`)).toEqual([[`${a}@2`], null]);
  expect(await list(`/environment-specs/${a}/versions`)).toEqual([[`${a}@2`, `${a}@1`], null]);
  expect((await engine.get(`/environment-specs/${newId('no')}/versions`)).statusCode).toBe(404);
  expect((await engine.get(`/environment-specs/${a}@1/versions`)).statusCode).toBe(404);
  expect((await engine.get('/environment-specs?cursor=x')).statusCode).toBe(400);
});

test('what is no spec is refused by name', async () => {
  await using engine = build();
  const ask = asker(engine, newId('spec'));
  const faults = async (body: object) => {
    const response = await ask('PUT', body);
    expect([response.statusCode, response.json().code]).toEqual([422, 'invalid_field']);
    return (response.json().errors as { path: string; message: string }[]).map(
      ({ path, message }) => `${path}: ${message}`,
    );
  };
  expect(await faults({})).toEqual(['runtime_kind: is missing: must be a string']);
  expect(await faults({ ...SPEC, secrets: ['x'] })).toEqual(['secrets: is not taken yet']);
  expect(await faults({ ...SPEC, assets: { x: { save_path: '../x' } } })).toEqual([
    'assets.x.save_path: must be a relative path, without empty parts, . or ..',
  ]);
  expect(await faults({ ...SPEC, command: ['x'], options: { sandbox: 1 } })).toEqual([
    'options.sandbox: is not a known field',
    'command: is not a known field here: it belongs at entry.command, or it is one of an invocation',
  ]);
  for (const option of REFUSED_IN_SPECS)
    expect(await faults({ ...SPEC, options: { [option]: true } })).toEqual([
      expect.stringContaining(`options.${option}: is not taken in an environment spec: `),
    ]);
  expect(await faults({ ...SPEC, options: { scripted: { size: 'x' } } })).toEqual([
    'options.scripted.size: must be a number',
  ]);
  expect(await faults({ ...SPEC, environment: { 'A=B': '' } })).toEqual([
    expect.stringContaining('environment.A=B'),
  ]);
  expect(await faults({ ...SPEC, entry: { agent_command: ['x'] } })).toEqual([
    'entry.command: is missing: must be an array',
  ]);
  expect(await faults({ ...SPEC, setup: { commands: Array<string>(1001).fill('true') } })).toEqual([
    expect.stringContaining('setup.commands: '),
  ]);
  expect(await faults({ ...SPEC, description: '\ud800' })).toEqual([
    expect.stringContaining('description: '),
  ]);
  expect((await ask('GET')).statusCode).toBe(404);
});

test('a spec that is too long is 413, and a name that is none 422', async () => {
  await using engine = build();
  const long = await asker(engine, newId('spec'))('PUT', {
    ...SPEC,
    environment: { A: 'x'.repeat(1024 * 1024) },
  });
  expect([long.statusCode, long.json().code]).toEqual([413, 'body_too_large']);
  for (const name of ['a@b', '.a', 'x'.repeat(129), 'a%2Fb', 'ä']) {
    const refused = await asker(engine, name)('PUT', SPEC);
    expect([name, refused.statusCode, refused.json().errors]).toEqual([
      name,
      422,
      [{ path: 'name', message: expect.stringContaining('must be 1 to 128') }],
    ]);
    expect((await asker(engine, name)('DELETE')).statusCode).toBe(404);
  }
});

test('numbers that a kind passes on keep their digits', async () => {
  await using engine = build();
  const ask = asker(engine, newId('spec'));
  const body = '{"runtime_kind":"scripted","options":{"scripted":{"data":{"id":9007199254740993}}}}';
  expect((await ask('PUT', body)).body).toContain('9007199254740993');
  expect((await ask('GET')).body).toContain('9007199254740993');
  expect((await ask('PUT', body)).statusCode).toBe(200);
});
