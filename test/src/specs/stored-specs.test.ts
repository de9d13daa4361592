import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { DockerSpec } from '../../../runners/docker/spec.ts';
import { ManualSpec } from '../../../runners/manual/spec.ts';
import { HttpSpec } from '../../../runners/wire/spec.ts';
import {
  type EnvironmentSpecInput,
  environmentSpecInput,
  REFUSED_IN_SPECS,
} from '../../../src/documents/environment-spec.ts';
import { RunwireError } from '../../../src/documents/errors.ts';
import { parseExact } from '../../../src/platform/exact-json.ts';
import type { SpecKind } from '../../../src/specs/check.ts';
import { StoredSpecs, type StoredSpecsParts } from '../../../src/specs/stored-specs.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { HeldAssets } from '../../helpers/held-assets.ts';

const kind = (name: string, spec: z.ZodType, more: Partial<SpecKind> = {}): SpecKind => ({
  ...{ kind: name, name, description: '', spec },
  ...more,
});
const KINDS: readonly SpecKind[] = [
  kind('subprocess', z.null(), { optionKey: null, setsUp: true, given: { by: 'place' } }),
  kind('docker', DockerSpec, { aliases: ['container'], setsUp: true }),
  kind('http', HttpSpec, { given: { by: 'address' }, placeholders: ['url'] }),
  kind('manual', ManualSpec),
];

let directory: string;
let store: InvocationStore;
let specs: StoredSpecs;
/** What sessions use. */
let used: { name: string; version: number }[];
let shortage: string | null;

const book = (more: Partial<StoredSpecsParts> = {}): StoredSpecs =>
  new StoredSpecs({
    ...{ store, kinds: KINDS, usedElsewhere: () => used },
    disk: { shortage: () => shortage, spendReserve: () => {} },
    ...more,
  });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-specs-'));
  store = new InvocationStore(join(directory, 'runwire.db'));
  used = [];
  shortage = null;
  specs = book();
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const SUBPROCESS: EnvironmentSpecInput = { runtime_kind: 'subprocess' };
const of = (environment: Record<string, string>): EnvironmentSpecInput => ({ ...SUBPROCESS, environment });

/** What an error says to a client. */
async function told(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof RunwireError)) throw error;
    return error.errors?.map(({ path, message }) => `${path}: ${message}`) ?? [error.code, error.message];
  }
}

function runOf(name: string, version: number, id: string): void {
  store.insert({
    ...{ id, status: 'pending', runtimeKind: 'fake', runtimeName: 'fake', createdAt: 1, startedAt: null },
    ...{ fingerprint: null, idempotencyKey: null, invocation: '{}' },
    environmentSpec: { name, version, digest: 'd' },
  });
}
const finish = (id: string) =>
  store.finish(id, { status: 'succeeded', finishedAt: 2, result: '{}', outcome: '{}', outputBytes: 0 });

test('another body is a new version, the body of the newest one is that', async () => {
  const first = await specs.put('demo', of({ A: '1', B: '2' }));
  expect(first).toMatchObject({
    isNew: true,
    spec: { name: 'demo', version: 1, environment: { A: '1', B: '2' } },
  });
  expect(await specs.put('demo', of({ B: '2', A: '1' }))).toEqual({ ...first, isNew: false });
  expect((await specs.put('demo', of({ A: '3' }))).spec.version).toBe(2);
  // What an earlier version said is said again.
  const third = await specs.put('demo', of({ A: '1', B: '2' }));
  expect([third.spec.version, third.spec.digest]).toEqual([3, first.spec.digest]);
  expect(specs.get('demo')).toEqual(third.spec);
  expect(specs.get('demo@1')).toEqual(first.spec);
  expect((await specs.put('other', of({ A: '1', B: '2' }))).spec.digest).toBe(first.spec.digest);
  expect(specs.versions('demo', { limit: 9 }).items.map(({ version }) => version)).toEqual([3, 2, 1]);
  expect(specs.list({ limit: 9 }).items.map(({ links }) => links.self)).toEqual([
    '/environment-specs/other@1',
    '/environment-specs/demo@3',
  ]);
});

test('what is resolved is what a spec says before an invocation does', async () => {
  const input: EnvironmentSpecInput = {
    ...of({ A: '1' }),
    description: 'words',
    options: { limits: { processes: 3 } },
    setup: { commands: ['true'] },
    snapshot: { ignore: ['*.o'] },
    entry: { command: ['a'] },
  };
  const { digest } = (await specs.put('demo', input)).spec;
  expect(specs.resolve('demo')).toEqual(specs.resolve('demo@1'));
  expect(specs.resolve('demo')).toEqual({
    ...{ name: 'demo', version: 1, digest, from: 'the environment spec demo@1' },
    defaults: {
      runtime_kind: 'subprocess',
      environment: { A: '1' },
      options: { limits: { processes: 3 }, setup: { commands: ['true'] } },
      snapshot: { ignore: ['*.o'] },
      entry: { command: ['a'] },
    },
  });
  expect(await told(() => specs.resolve('demo@2'))).toEqual([
    'options.environment_spec: there is no environment spec demo@2',
  ]);
  expect(
    await told(() => specs.resolve('demo@01', { code: 'invalid_field', path: 'environment_spec' })),
  ).toEqual(['environment_spec: there is no environment spec demo@01']);
});

test('a setup may stand on top or in options: it is the same spec', async () => {
  const setup = { commands: ['true'] };
  const first = await specs.put('demo', { ...SUBPROCESS, setup });
  const again = [
    { ...SUBPROCESS, options: { setup } },
    { ...SUBPROCESS, setup, options: { setup } },
  ];
  for (const input of again) expect((await specs.put('demo', input)).isNew).toBe(false);
  expect(first.spec).toMatchObject({ setup });
  expect(first.spec.options).toBeUndefined();
  expect(await told(() => specs.put('demo', { ...SUBPROCESS, setup, options: { setup: {} } }))).toEqual([
    'setup: is another one than options.setup: one of the two is enough',
  ]);
});

test('what a kind can check is checked: what is absent may come with an invocation', async () => {
  const faults = (runtime_kind: string, options: Record<string, unknown>) =>
    told(async () => (await specs.put('demo', { runtime_kind, options })).isNew);
  expect(await faults('container', { docker: { memory_bytes: 5 } })).toBe(true);
  expect(await faults('docker', { docker: { imag: 'x', cpus: -1 } })).toEqual([
    'options.docker.cpus: must be more than 0',
    'options.docker.imag: is not a known field',
  ]);
  // Members of lists are not completed.
  expect(await faults('docker', { docker: { mounts: [{ source: '/a' }] } })).toEqual([
    'options.docker.mounts.0.target: is missing: must be a string',
  ]);
  // Of another kind, as an invocation may have them too.
  expect(await faults('subprocess', { docker: { image: 3 } })).toEqual([
    'options.docker.image: must be a string',
  ]);
  // What makes it whole is said by the invocation.
  expect(await faults('manual', { manual: { dispatch_secret: 's' } })).toBe(true);
  expect(await faults('http', { http: { auth: {} } })).toBe(true);
  expect(await faults('nobody', {})).toEqual(['runtime_kind: nobody is no kind of this server']);
  expect(await faults('http', { setup: { commands: ['true'] } })).toEqual([
    'options.setup: http runs nothing before the work: it takes no setup',
  ]);
});

test('the example of the page is taken as it stands', async () => {
  const page = readFileSync(new URL('../../../docs/environment-specs.md', import.meta.url), 'utf8');
  const [, text = ''] = /^```json\n([\s\S]*?)^```/m.exec(page) ?? [];
  const taken = environmentSpecInput(['docker']).parse(JSON.parse(text));
  expect((await specs.put('demo', taken)).isNew).toBe(true);
  for (const option of REFUSED_IN_SPECS) expect(page).toContain(`\`${option}\``);
});

test('numbers that are passed on keep their digits', async () => {
  const options = parseExact('{"http":{"body":{"id":9007199254740993}}}') as Record<string, unknown>;
  const { spec } = await specs.put('demo', { runtime_kind: 'http', options });
  expect(JSON.stringify(spec.options)).toContain('9007199254740993');
  expect(JSON.stringify(specs.resolve('demo').defaults.options)).toContain('9007199254740993');
  // They are what makes a spec another one.
  const other = parseExact('{"http":{"body":{"id":9007199254740992}}}') as Record<string, unknown>;
  expect((await specs.put('demo', { runtime_kind: 'http', options: other })).isNew).toBe(true);
});

test('a name that was deleted is gone, and goes on with the next version', async () => {
  await specs.put('demo', of({ A: '1' }));
  await specs.put('demo', of({ A: '2' }));
  await specs.remove('demo');
  for (const call of [
    () => specs.get('demo'),
    () => specs.get('demo@1'),
    () => specs.versions('demo', { limit: 9 }),
    () => specs.remove('demo'),
  ])
    expect(await told(call)).toEqual([
      'spec_not_found',
      expect.stringMatching(/^There is no environment spec demo/),
    ]);
  expect(specs.list({ limit: 9 }).items).toEqual([]);
  const again = await specs.put('demo', of({ A: '2' }));
  expect(again).toMatchObject({ isNew: true, spec: { version: 3 } });
  expect(await told(() => specs.resolve('demo@2'))).toEqual([expect.stringContaining('there is no')]);
});

test('a version whose name was deleted is there for who uses it, and for nobody else', async () => {
  for (const at of [1, 2, 3, 4]) await specs.put('demo', of({ A: String(at) }));
  runOf('demo', 1, 'r');
  used = [{ name: 'demo', version: 2 }];
  await specs.remove('demo');
  expect(specs.get('demo@1').environment).toEqual({ A: '1' });
  expect(specs.get('demo@2').environment).toEqual({ A: '2' });
  for (const gone of ['demo', 'demo@3', 'demo@4'])
    expect(await told(() => specs.get(gone))).toMatchObject(['spec_not_found', {}]);
  // Nothing new is made with it.
  expect(await told(() => specs.resolve('demo@1'))).toEqual([expect.stringContaining('there is no')]);
  finish('r');
  expect(await told(() => specs.get('demo@1'))).toMatchObject(['spec_not_found', {}]);
  expect(store.specs.kept()).toHaveLength(2);
  specs.sweep();
  expect(store.specs.kept().map(({ version }) => version)).toEqual([2]);
});

test('there are so many versions of so many specs of so many bytes, and no more', async () => {
  specs = book({ caps: { bytes: 100, specs: 2, versions: 2 } });
  expect(await told(() => specs.put('a', of({ A: 'x'.repeat(100) })))).toEqual([
    'body_too_large',
    'An environment spec has at most 100 bytes.',
  ]);
  // In bytes, not characters.
  expect(await told(() => specs.put('a', of({ A: '€'.repeat(25) })))).toMatchObject(['body_too_large', {}]);
  for (const name of ['a', 'b']) await specs.put(name, of({ A: '1' }));
  expect(await told(() => specs.put('c', of({})))).toEqual([
    'specs_full',
    'There are 2 environment specs: delete one first.',
  ]);
  await specs.put('a', of({ A: '2' }));
  expect(await told(() => specs.put('a', of({ A: '3' })))).toMatchObject(['specs_full', {}]);
  expect((await specs.put('a', of({ A: '2' }))).isNew).toBe(false);
  await specs.remove('a');
  expect((await specs.put('c', of({}))).spec.version).toBe(1);
  await specs.remove('b');
  expect((await specs.put('a', of({}))).spec.version).toBe(3);
  shortage = 'no room';
  expect(await told(() => specs.put('a', of({ B: '' })))).toEqual(['insufficient_storage', 'no room']);
});

test('who may not replace or remove what there is does neither', async () => {
  const refuse = () => {
    throw new RunwireError('precondition_failed', 'no');
  };
  expect(await told(() => specs.put('demo', of({}), refuse))).toMatchObject(['precondition_failed', {}]);
  expect(specs.list({ limit: 9 }).items).toEqual([]);
  const { spec } = await specs.put('demo', of({}), (digest) => expect(digest).toBeNull());
  await specs.put('demo', of({ A: '' }), (digest) => expect(digest).toBe(spec.digest));
  expect(await told(() => specs.remove('demo', refuse))).toMatchObject(['precondition_failed', {}]);
  expect(specs.get('demo').version).toBe(2);
});

test('of two that are put at the same time each is a version', async () => {
  const all = await Promise.all(['1', '2', '1'].map((A) => specs.put('demo', of({ A }))));
  expect(all.map(({ spec }) => spec.version)).toEqual([1, 2, 3]);
});

test('assets of a spec are there, in one place, and of a kind that has a way to them', async () => {
  const room = new HeldAssets();
  room.put('model', 'bytes');
  const own = book({ assets: room });
  const faults = (input: EnvironmentSpecInput) =>
    own.put('with-assets', input).then(
      () => [],
      ({ errors }) =>
        (errors as { path: string; message: string }[]).map(({ path, message }) => `${path}: ${message}`),
    );
  expect(
    await faults({
      runtime_kind: 'subprocess',
      assets: { a: {}, b: { asset: 'none' }, model: { version: 2 } },
    }),
  ).toEqual([
    'assets.a: there is no asset a',
    'assets.b: there is no asset none',
    'assets.model: there is no asset model@2',
  ]);
  expect(
    await faults({ runtime_kind: 'subprocess', assets: { model: {} }, options: { assets: {} } }),
  ).toEqual(['assets: is another one than options.assets: one of the two is enough']);
  expect(await faults({ runtime_kind: 'nothing', options: { assets: {} } })).toContain(
    'runtime_kind: nothing is no kind of this server',
  );
  expect(await faults({ runtime_kind: 'docker', options: { assets: { model: {} } } })).toEqual([
    'options.assets: docker has no way to assets: it takes none',
  ]);
  expect(
    await faults({ runtime_kind: 'subprocess', options: { assets: { model: { mode: 'copy' } } } }),
  ).toEqual([]);
  expect(own.get('with-assets')).toMatchObject({ assets: { model: { mode: 'copy' } } });
  expect(own.get('with-assets').options).toBeUndefined();
  expect(own.resolve('with-assets').defaults.options).toEqual({ assets: { model: { mode: 'copy' } } });
  // A URL that is the address of an asset.
  expect(
    await faults({
      runtime_kind: 'http',
      assets: { model: {} },
      options: { http: { url: '{{static:model}}?x=1' } },
    }),
  ).toEqual([]);
  expect(
    await faults({ runtime_kind: 'http', options: { http: { method: 1, url: '{{static:model}}' } } }),
  ).toEqual(['options.http.method: must be a string']);
});

test('assets that a version names are known by it, with the version that is said or as the newest', async () => {
  const room = new HeldAssets();
  room.put('model', 'bytes');
  for (const bytes of ['one', 'two', 'three']) room.put('train', bytes);
  const own = book({ assets: room });
  const assets = { model: {}, data: { asset: 'train', version: 3 }, both: { asset: 'model', version: 1 } };
  await own.put('a', { ...SUBPROCESS, assets });
  await own.put('b', { ...SUBPROCESS, options: { assets: { model: {} } } });
  expect(store.specs.assetsOf('a', 1)).toEqual([
    { name: 'model', version: null },
    { name: 'train', version: 3 },
    { name: 'model', version: 1 },
  ]);
  expect(store.specs.naming('train')).toEqual([{ name: 'a', version: 1, asset: 3 }]);
  await own.remove('a');
  expect(store.specs.naming('model')).toEqual([{ name: 'b', version: 1, asset: null }]);
  expect([store.specs.naming('train'), store.specs.assetsOf('a', 1)]).toEqual([[], []]);
});

test('what a removal was asked for holds also when it is stored at the second try', async () => {
  let retried = (): void => {};
  const own = book({ disk: { shortage: () => null, spendReserve: () => retried() } });
  const { spec: first } = await own.put('demo', of({ A: '1' }));
  const { remove } = store.specs;
  store.specs.remove = () => {
    store.specs.remove = remove;
    throw new RunwireError('insufficient_storage', 'no room for the record');
  };
  // Another one has put a version meanwhile.
  retried = () => void store.specs.insert({ name: 'demo', digest: 'd', document: '{}', createdAt: 1 });
  const only = (digest: string): void => {
    if (digest !== first.digest) throw new RunwireError('precondition_failed', 'it is another one');
  };
  expect(await told(() => own.remove('demo', only))).toEqual(['precondition_failed', 'it is another one']);
  expect(store.specs.newest('demo')?.version).toBe(2);
});
