import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import type { RunnerOutcome } from '../../../src/contract/outcome.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, heldRunner, scripted } from '../../helpers/fake-runner.ts';
import { HeldAssets } from '../../helpers/held-assets.ts';

const newId = (name: string): string => `${name}-${randomUUID().slice(0, 8)}`;

let room: HeldAssets;
let seen: RunContext[];
/** What was there while the work was at it. */
let found: string[];
let work: (ctx: RunContext) => void;

const placed = scripted(
  async (ctx) => {
    seen.push(ctx);
    found = treeOf(join(ctx.directory.root, 'given'));
    work(ctx);
    return exited();
  },
  { kind: 'placed', given: { by: 'place' }, setsUp: true },
);
const look = async (ctx: RunContext) => {
  seen.push(ctx);
  return exited();
};
const inside = scripted(look, {
  kind: 'inside',
  given: { by: 'runner', root: '' },
  seenAt: (place, { workingDirectory }) => place.replace(workingDirectory, '/workspace'),
});
const away = scripted(look, {
  kind: 'away',
  given: { by: 'address' },
  placeholders: ['url'],
  optionKey: 'away',
  parse: ({ options }) => {
    const { url } = options.away as { url: string };
    if (!URL.canParse(url)) throw new Error(`no address: ${url}`);
    return null;
  },
});
const bare = scripted(async () => exited(), { kind: 'bare' });

beforeEach(() => {
  room = new HeldAssets();
  seen = [];
  found = [];
  work = () => {};
});

function build(more: Parameters<typeof buildEngine>[0] = {}): TestEngine {
  return buildEngine({ assets: room, runners: [placed, inside, away, bare], ...more });
}

function treeOf(place: string, name = ''): string[] {
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .sort()
    .flatMap((child) => {
      const path = join(place, child);
      const shown = `${name}${child}`;
      return statSync(path).isDirectory() ? [shown, ...treeOf(path, `${shown}/`)] : [shown];
    });
}

async function faults(engine: TestEngine, invocation: Record<string, unknown>): Promise<string[]> {
  const response = await engine.post(invocation);
  expect([response.statusCode, response.json().code]).toEqual([422, 'invalid_invocation']);
  return (response.json().errors as { path: string; message: string }[]).map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

let engine: TestEngine;
afterEach(async () => engine?.[Symbol.asyncDispose]());

test('what a run is given is there while it works, and nowhere after it', async () => {
  room.put('model', { 'weights/a': 'AAA', 'weights/b': 'BBB' });
  room.put('words', 'one two');
  engine = build();
  const id = newId('run');
  const record = await engine.run({
    invocation_id: id,
    runtime_kind: 'placed',
    command: ['{{static:model}}/weights', '\\{{static:model}} ${run.id}'],
    environment: { WORDS: '{{static:list}}' },
    options: {
      stdin: 'at {{static:list}}',
      assets: { model: {}, list: { asset: 'words', save_path: 'lists/words.txt', mode: 'copy' } },
    },
  });
  expect(record.status).toBe('succeeded');
  const given = join(engine.dataDir, 'runs', id, 'given', 'static');
  const [ctx] = seen;
  expect(ctx?.invocation.command).toEqual([`${given}/model/weights`, '{{static:model}} ${run.id}']);
  expect(ctx?.environment.WORDS).toBe(`${given}/lists/words.txt`);
  expect(ctx?.invocation.options.stdin).toBe(`at ${given}/lists/words.txt`);
  expect(found).toEqual([
    'static',
    ...['static/lists', 'static/lists/words.txt'],
    ...['static/model', 'static/model/weights', 'static/model/weights/a', 'static/model/weights/b'],
  ]);
  expect(readdirSync(join(engine.dataDir, 'runs', id)).filter((name) => name.startsWith('given'))).toEqual(
    [],
  );
});

test('what is stored and shown has placeholders, and the versions that were meant', async () => {
  const first = room.put('model', 'v1');
  engine = build();
  const id = newId('run');
  const sent = {
    invocation_id: id,
    runtime_kind: 'placed',
    command: ['{{static:model}}'],
    options: { assets: { model: {} } },
  };
  const record = await engine.run(sent);
  expect(record.invocation.command).toEqual(['{{static:model}}']);
  expect(record.invocation.options.assets).toEqual({
    model: { asset: 'model', version: 1, digest: first.digest },
  });
  room.put('model', 'v2');
  const again = await engine.post(sent, {}, '?wait=10');
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(JSON.stringify(again.json())).toBe(JSON.stringify(record));
  const next = await engine.run({ ...sent, invocation_id: newId('run') });
  expect(next.invocation.options.assets?.model?.version).toBe(2);
});

test('without assets what looks like a placeholder stays, byte for byte; {} is enough to ask for them', async () => {
  engine = build();
  const command = ['{{static:model}} \\{{static:x}} ${a} $$', '{{static:'];
  const record = await engine.run({ runtime_kind: 'placed', command });
  expect(seen[0]?.invocation.command).toEqual(command);
  expect(record.invocation.command).toEqual(command);
  expect(await faults(engine, { runtime_kind: 'placed', command, options: { assets: {} } })).toEqual([
    'command.0: {{static:model}} is no asset here: there is none',
    'command.1: {{static: is not closed: }} is missing',
  ]);
});

test('what cannot be is refused, each field by name', async () => {
  const { digest } = room.put('model', 'v1');
  engine = build();
  const ask = (assets: unknown, more: object = {}) =>
    faults(engine, { runtime_kind: 'placed', command: ['x'], options: { assets }, ...more });
  expect(
    await ask({ none: {}, model: { version: 2 }, other: { asset: 'model', digest: 'a'.repeat(64) } }),
  ).toEqual([
    'options.assets.none: there is no asset none',
    'options.assets.model: there is no asset model@2',
    `options.assets.other.digest: model is another one: ${digest}`,
  ]);
  for (const save_path of ['/etc', '../x', 'a/../b', 'a//b', '.', 'a/', 'a\0b', `a/${'ä'.repeat(128)}`])
    expect((await ask({ model: { save_path } }))[0]).toMatch(/^options\.assets\.model\.save_path: must/);
  expect(await ask({ a: { asset: 'model@1' }, b: { asset: 'model@x' } })).toEqual([
    'options.assets.a.asset: must be a name: the number after @ goes into version',
    'options.assets.b.asset: must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or a digit',
  ]);
  expect(await ask({ model: { save_path: 'a' }, two: { asset: 'model', save_path: 'a/b' } })).toEqual([
    'options.assets.two.save_path: is the place of model (a), or in it',
  ]);
  expect(await ask({}, { command: ['{{static:a}}'], environment: { A: '{{static:b}}' } })).toEqual([
    'command.0: {{static:a}} is no asset here: there is none',
    'environment.A: {{static:b}} is no asset here: there is none',
  ]);
  expect(await faults(engine, { runtime_kind: 'bare', options: { assets: {} } })).toEqual([
    'options.assets: bare has no way to assets: it takes none',
  ]);
  expect(
    await faults(engine, { runtime_kind: 'away', options: { inputs: [{ id: 'a', text: 'x' }] } }),
  ).toEqual(['options.inputs: away has no paths for files: it takes no inputs']);
});

test('places of several layers are not in each other', async () => {
  room.put('model', 'v1');
  engine = build();
  const name = newId('spec');
  const put = await engine.request({
    method: 'PUT',
    url: `/environment-specs/${name}`,
    payload: { runtime_kind: 'placed', assets: { model: { save_path: 'a' } } },
  });
  expect(put.statusCode).toBe(201);
  const invocation = {
    command: ['x'],
    options: { environment_spec: name, assets: { b: { asset: 'model', save_path: 'a/b' } } },
  };
  expect(await faults(engine, invocation)).toEqual([
    'options.assets.b.save_path: is the place of model (a), or in it',
  ]);
  expect(await faults(engine, { command: ['{{static:x}}'], options: { environment_spec: name } })).toEqual([
    'command.0: {{static:x}} is no asset here: there is model',
  ]);
  const record = await engine.run({ command: ['{{static:model}}'], options: { environment_spec: name } });
  expect(record.invocation.options.assets).toMatchObject({ model: { version: 1, save_path: 'a' } });
  expect(engine.store.specs.naming('model')).toEqual([{ name, version: 1, asset: null }]);
});

test('a kind elsewhere has addresses, which are shown nowhere', async () => {
  room.put('model', 'v1');
  engine = build();
  const record = await engine.run({
    runtime_kind: 'away',
    options: { away: { url: '{{static:model}}&x=1' }, assets: { model: {} } },
  });
  const { url = '' } = (seen[0]?.invocation.options.away ?? {}) as { url?: string };
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:7070\/assets\/model@1\/content\?run=.*&x=1$/);
  expect(seen[0]?.signedAddresses).toEqual([url.slice(0, -4)]);
  expect(record.invocation.options.away).toEqual({ url: '{{static:model}}&x=1' });
  expect(JSON.stringify([record, await engine.events(record.invocation.invocation_id)])).not.toContain(
    'signature=',
  );
});

test('files that come with a run have what their placeholders stand for, and its record the placeholders', async () => {
  room.put('model', 'v1');
  engine = build();
  let read = '';
  work = ({ workingDirectory }) => {
    const file = join(workingDirectory, 'etc/config');
    read = `${readFileSync(file, 'utf8')} ${(statSync(file).mode & 0o777).toString(8)} ${readFileSync(join(workingDirectory, 'plain'), 'utf8')}`;
  };
  const text = 'model={{static:model}}';
  const id = newId('run');
  const record = await engine.run({
    invocation_id: id,
    runtime_kind: 'placed',
    options: {
      files: [
        { path: 'plain', text: 'no $ \\ here' },
        { path: 'etc/config', text, mode: '0440' },
        { path: 'bytes', base64: Buffer.from(text).toString('base64') },
      ],
      assets: { model: {} },
    },
  });
  expect(read).toBe(`model=${join(engine.dataDir, 'runs', id, 'given/static/model')} 440 no $ \\ here`);
  expect(record.invocation.options.files?.[1]?.text).toBe(text);
  expect(readFileSync(join(engine.dataDir, 'runs', id, 'work/bytes'), 'utf8')).toBe(text);
});

test('templates: facts of the run, and what there is where a name is not', async () => {
  engine = build();
  const id = newId('run');
  await engine.run({
    invocation_id: id,
    runtime_name: 'my ${run.id}',
    runtime_kind: 'inside',
    artifact_directory: 'out',
    command: [
      '${run.id}|${run.name}|${run.artifact_directory}|$$|$HOME|${answer}|${answer.value}|${report.path}',
    ],
    options: {
      template: true,
      inputs: [{ id: 'answer', value: { n: [1, '${run.id}'] } }],
      outputs: [{ id: 'report', path: 'out/report.txt', required: false }],
    },
  });
  const value = '{"n":[1,"${run.id}"]}';
  expect(seen[0]?.invocation.command).toEqual([
    `${id}|my \${run.id}|/workspace/out|$|$HOME|${value}|${value}|/workspace/out/report.txt`,
  ]);
  expect(
    await faults(engine, {
      runtime_kind: 'placed',
      command: ['${run.artifact_directory}', '${x'],
      options: { template: true },
    }),
  ).toEqual([
    'command.0: ${run.artifact_directory} is no name here: there is run.id, run.name',
    'command.1: ${x is not closed: } is missing',
  ]);
});

test('what a run changes reaches neither the asset nor the next run', async () => {
  room.put('model', { file: 'as it was' });
  engine = build();
  const contents: string[] = [];
  work = ({ invocation }) => {
    const [file = ''] = invocation.command;
    contents.push(readFileSync(file, 'utf8'));
    writeFileSync(file, 'changed');
    contents.push(readFileSync(file, 'utf8'));
  };
  const invocation = {
    runtime_kind: 'placed',
    command: ['{{static:model}}/file'],
    options: { assets: { model: { mode: 'copy' } } },
  };
  await engine.run(invocation);
  await engine.run(invocation);
  expect(contents).toEqual(['as it was', 'changed', 'as it was', 'changed']);
});

test('where it cannot be put in place nothing was begun, and it may be tried again', async () => {
  room.put('model', 'v1');
  engine = build();
  room.failure = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  const id = newId('run');
  const record = await engine.run({
    invocation_id: id,
    runtime_kind: 'placed',
    command: ['x'],
    options: { assets: { model: {} } },
  });
  expect(record).toMatchObject({
    status: 'failed',
    result: { error_summary: expect.stringContaining('what it is given cannot be put in place') },
    outcome: { ended: 'never_started', started: false, retry_safe: true },
  });
  expect(seen).toEqual([]);
  expect(readdirSync(join(engine.dataDir, 'runs', id)).filter((name) => name.startsWith('given'))).toEqual(
    [],
  );
});

test('a cancel ends the copying', async () => {
  room.put('model', 'v1');
  engine = build();
  room.hold = new Promise(() => {});
  const id = newId('run');
  await engine.post({
    invocation_id: id,
    runtime_kind: 'placed',
    command: ['x'],
    options: { assets: { model: {} } },
  });
  await engine.request({ method: 'POST', url: `/invocations/${id}/cancel`, payload: {} });
  await engine.engine.waitFinished(id, 20_000);
  expect(engine.engine.record(id)).toMatchObject({
    status: 'cancelled',
    outcome: { started: false, retry_safe: true },
  });
  expect(seen).toEqual([]);
  expect(readdirSync(join(engine.dataDir, 'runs', id)).filter((name) => name.startsWith('given'))).toEqual(
    [],
  );
});

test('a server that died while it copied: the next one does it anew, with the version that was meant', async () => {
  room.put('model', 'v1');
  const recovering = { ...placed, recover: placed.run };
  const before = build({ runners: [recovering] });
  room.hold = new Promise(() => {});
  const id = newId('run');
  await before.post({
    invocation_id: id,
    runtime_kind: 'placed',
    command: ['{{static:model}}'],
    options: { assets: { model: {} } },
  });
  while (!existsSync(join(before.dataDir, 'runs', id, 'given.making/static')))
    await new Promise(setImmediate);
  room.put('model', 'v2');
  const dataDir = await before.crash();
  room.hold = null;
  let read = '';
  work = ({ invocation }) => {
    read = readFileSync(invocation.command[0] ?? '', 'utf8');
  };
  engine = build({ runners: [recovering], dataDir });
  await engine.engine.waitFinished(id, 20_000);
  expect([engine.engine.record(id).status, read]).toEqual(['succeeded', 'v1']);
  expect(engine.engine.record(id).invocation.command).toEqual(['{{static:model}}']);
});

test('a server that died after it was taken away does not make it again', async () => {
  room.put('model', 'v1');
  const stays = {
    ...placed,
    run: ({ signal }: RunContext) =>
      new Promise<RunnerOutcome>((end) => {
        signal.addEventListener('abort', () => end(exited()));
        if (signal.aborted) end(exited());
      }),
    recover: placed.run,
  };
  const before = build({ runners: [stays] });
  const id = newId('run');
  await before.post({
    invocation_id: id,
    runtime_kind: 'placed',
    command: ['x'],
    options: { assets: { model: {} } },
  });
  const root = join(before.dataDir, 'runs', id);
  while (!existsSync(join(root, 'given/static/model'))) await new Promise(setImmediate);
  const dataDir = await before.crash();
  // As the server left it that had taken it away, and had not stored the result.
  mkdirSync(join(dataDir, 'runs', id, 'given.leaving'));
  renameSync(join(dataDir, 'runs', id, 'given'), join(dataDir, 'runs', id, 'given.leaving/given'));
  room.failure = new Error('it was made again');
  engine = build({ runners: [stays], dataDir });
  await engine.engine.waitFinished(id, 20_000);
  expect(engine.engine.record(id).status).toBe('succeeded');
  expect(found).toEqual([]);
  expect(readdirSync(join(dataDir, 'runs', id)).filter((name) => name.startsWith('given'))).toEqual([]);
});

test('an asset that is gone is the refusal of a run that waited', async () => {
  room.put('model', 'v1');
  const before = build({ config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const held = Promise.withResolvers<void>();
  work = () => {};
  room.hold = held.promise;
  const first = newId('run');
  const id = newId('run');
  const invocation = { runtime_kind: 'placed', command: ['x'], options: { assets: { model: {} } } };
  await before.post({ ...invocation, invocation_id: first });
  await before.post({ ...invocation, invocation_id: id });
  const dataDir = await before.crash();
  room.forget('model');
  room.hold = null;
  engine = build({ dataDir });
  await engine.engine.waitFinished(id, 20_000);
  expect(engine.engine.record(id)).toMatchObject({
    status: 'rejected',
    result: { error_summary: expect.stringContaining('there is no asset model@1') },
  });
});

test('a later server gives a run that waited the address that it has itself by the time the work begins', async () => {
  room.put('model', 'v1');
  const held = heldRunner();
  const config = { RUNWIRE_MAX_CONCURRENT: '1', RUNWIRE_MAX_CALLS: '1' };
  const before = build({ config, runners: [held.runner, away] });
  await before.post({ runtime_kind: 'held' });
  const id = newId('run');
  await before.post({
    ...{ invocation_id: id, runtime_kind: 'away' },
    options: { away: { url: '{{static:model}}' }, assets: { model: {} } },
  });
  expect(before.engine.status(id)).toBe('pending');
  const dataDir = await before.crash();
  engine = build({ config, dataDir, runners: [held.runner, away] });
  expect(engine.engine.status(id)).toBe('pending');
  room.base = 'http://other.example:1234';
  await engine.engine.waitFinished(id, 20_000);
  const { url = '' } = (seen[0]?.invocation.options.away ?? {}) as { url?: string };
  expect(url).toContain('http://other.example:1234/assets/model@1/');
  expect(seen[0]?.signedAddresses).toEqual([url]);
});
