import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, fake, heldRunner, scripted } from '../../helpers/fake-runner.ts';
import { HeldAssets } from '../../helpers/held-assets.ts';

const newId = (name: string): string => `${name}-${randomUUID().slice(0, 8)}`;

let dir: string;
let room: HeldAssets;
let engine: TestEngine;
/** argv of the last run, and what was in the files that it named. */
let seen: { command: string[]; files: string[]; packed: string[] };

const reads = (kind: string, more: Parameters<typeof scripted>[1]) =>
  scripted(
    async ({ invocation: { command }, given }: RunContext) => {
      const files = command.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
      seen = { command, files: files.map((path) => readFileSync(path, 'utf8')), packed: [] };
      for (const file of given) seen.packed.push((await buffer(file.pack())).subarray(0, 100).toString());
      return exited();
    },
    { kind, ...more },
  );
const placed = reads('placed', { given: { by: 'place' } });
const inside = reads('inside', {
  given: { by: 'runner', root: '' },
  seenAt: (place, { workingDirectory }) =>
    place.startsWith(`${workingDirectory}/`) ? place.replace(workingDirectory, '/workspace') : null,
});
const away = reads('away', { given: { by: 'address' } });
const maker = scripted(
  async ({ workingDirectory, invocation }) => {
    writeFileSync(join(workingDirectory, 'model.bin'), invocation.metadata.model ?? 'weights');
    mkdirSync(join(workingDirectory, 'curves'));
    writeFileSync(join(workingDirectory, 'curves/sum'), '12');
    return exited();
  },
  { kind: 'maker', places: 'calls' },
);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runwire-given-'));
  room = new HeldAssets();
  seen = { command: [], files: [], packed: [] };
});
afterEach(async () => {
  await engine?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});
const build = (more: Parameters<typeof buildEngine>[0] = {}): TestEngine =>
  buildEngine({ ...more, assets: room, runners: [placed, inside, away, maker, ...(more.runners ?? [])] });

/** A run that has left a model and curves behind. */
async function made(id = newId('train'), model = 'weights'): Promise<string> {
  const outputs = [
    { id: 'model', path: 'model.bin' },
    { id: 'curves', path: 'curves' },
  ];
  const invocation = { invocation_id: id, runtime_kind: 'maker', metadata: { model }, options: { outputs } };
  expect((await engine.run(invocation)).status).toBe('succeeded');
  return id;
}
const takes = (inputs: object[], names: string[], more: object = {}) => ({
  invocation_id: newId('report'),
  runtime_kind: 'placed',
  command: names.map((name) => `\${${name}}`),
  options: { template: true, inputs },
  ...more,
});
const ofRun = (run: string, artifact_id: string) => ({ artifact: { invocation_id: run, artifact_id } });

test('What one run left behind is what another is given, by names alone', async () => {
  room.put('style', 's/^/> /');
  engine = build();
  const run = await made();
  const inputs = [
    { id: 'model', ...ofRun(run, 'model') },
    { id: 'curves', ...ofRun(run, 'curves'), extract: true },
    { id: 'style', asset: 'style' },
    { id: 'text', text: 'words ${model}' },
    { id: 'bytes', base64: 'AAEC' },
  ];
  const names = ['model', 'model.path', 'curves', 'style', 'text', 'bytes'];
  const invocation = takes(inputs, names);
  const record = await engine.run(invocation);
  expect(record.status, JSON.stringify(record.result)).toBe('succeeded');
  const given = join(engine.engine.directory(invocation.invocation_id).root, 'given');
  expect(seen.command).toEqual(
    ['model/model.bin', 'model/model.bin', 'curves', 'style/style', 'text/text', 'bytes/bytes'].map(
      (path) => `${given}/inputs/${path}`,
    ),
  );
  expect(seen.files).toEqual(['weights', 'weights', 's/^/> /', 'words ${model}', '\0\x01\x02']);
  expect(existsSync(given)).toBe(false);
  expect(record.invocation.options.inputs).toMatchObject([
    { artifact: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }, filename: 'model.bin' },
    { filename: 'curves.tar', extract: true },
    { asset: 'style@1' },
    { text: 'words ${model}' },
    {},
  ]);
});

test('What a run wrote is an artifact too, also where it wrote nothing', async () => {
  engine = build();
  const run = newId('wrote');
  await engine.run(fake({ logs: ['said\n'] }, { invocation_id: run }));
  const inputs = ['stdout', 'stderr'].map((id) => ({ id, ...ofRun(run, id) }));
  const record = await engine.run(takes(inputs, ['stdout', 'stderr']));
  expect(record.status, JSON.stringify(record.result)).toBe('succeeded');
  expect(seen.files).toEqual(['said\n', '']);
  expect(seen.command.map((path) => path.split('/').slice(-2))).toEqual([
    ['stdout', 'stdout'],
    ['stderr', 'stderr'],
  ]);
});

test('Where the work has another tree, paths are those of it, and each input comes as a tar', async () => {
  engine = build();
  const run = await made();
  const file = join(dir, 'elsewhere.txt');
  writeFileSync(file, 'x');
  const inputs = [
    { id: 'model', ...ofRun(run, 'model') },
    { id: 'here', file: 'in.txt' },
    { id: 'other', file },
  ];
  const work = join(dir, 'wd');
  mkdirSync(work);
  writeFileSync(join(work, 'in.txt'), 'x');
  await engine.run(
    takes(inputs, ['model', 'here', 'here.path', 'other'], {
      runtime_kind: 'inside',
      working_directory: work,
    }),
  );
  expect(seen.command).toEqual([
    '/inputs/model/model.bin',
    '/workspace/in.txt',
    '/workspace/in.txt',
    '/inputs/other/elsewhere.txt',
  ]);
  expect(seen.packed.map((head) => head.replace(/\0.*/s, ''))).toEqual([
    'inputs/model/model.bin',
    'inputs/other/elsewhere.txt',
  ]);
});

test('A value is text as it came, digit by digit, also after a restart', async () => {
  const held = heldRunner();
  engine = build({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await engine.post({ runtime_kind: 'held', invocation_id: 'first' });
  const body = `{"invocation_id":"report","runtime_kind":"placed","command":["\${a}","\${b.value}","\${c}"],"options":{"template":true,"inputs":[
    {"id":"a","value":1.50},{"id":"b","value":"as it is"},{"id":"c","value":{"n":9007199254740993,"\${a}":[null]}}]}}`;
  const headers = { 'content-type': 'application/json' };
  const answer = await engine.request({ method: 'POST', url: '/invocations', headers, payload: body });
  expect(answer.statusCode, answer.body).toBe(202);
  engine = build({ dataDir: await engine.crash() });
  await engine.engine.waitFinished('report', 10_000);
  expect(seen.command).toEqual(['1.50', 'as it is', '{"n":9007199254740993,"${a}":[null]}']);
});

test('What is not there is refused by its field, and so is what the kind has no place for', async () => {
  const held = heldRunner();
  engine = build({ runners: [held.runner] });
  const run = await made();
  await engine.post({ runtime_kind: 'held', invocation_id: 'unfinished' });
  const told = async (inputs: object[], more: object = {}) => {
    const answer = await engine.post(takes(inputs, [], { command: ['x'], ...more }));
    const { code, errors } = answer.json();
    return [answer.statusCode, code, ...(errors ?? []).map(({ path }: { path: string }) => path)];
  };
  expect(await told([{ id: 'a', ...ofRun('nobody', 'x') }])).toEqual([
    ...[404, 'invocation_not_found', 'options.inputs.0.artifact'],
  ]);
  expect(await told([{ id: 'a', ...ofRun(run, 'x') }])).toEqual([
    ...[404, 'artifact_not_found', 'options.inputs.0.artifact'],
  ]);
  const typo = await engine.post(takes([{ id: 'a', ...ofRun(run, 'modle') }], [], { command: ['x'] }));
  expect(typo.json().errors[0].message).toBe(
    `${run} has no artifact modle: there is stdout, stderr, curves, model`,
  );
  expect(await told([{ id: 'a', ...ofRun('unfinished', 'x') }])).toEqual([
    ...[404, 'artifact_not_found', 'options.inputs.0.artifact'],
  ]);
  expect(await told([{ id: 'a', asset: 'none' }])).toEqual([
    ...[422, 'invalid_invocation', 'options.inputs.0.asset'],
  ]);
  expect(await told([{ id: 'a', base64: '!' }])).toEqual([
    ...[422, 'invalid_invocation', 'options.inputs.0.base64'],
  ]);
  expect(await told([{ id: 'a', text: 'x', value: 1 }])).toEqual([
    422,
    'invalid_invocation',
    'options.inputs.0',
  ]);
  expect(await told([{ id: 'a', text: 'x', filename: 'a/b' }])).toEqual([
    ...[422, 'invalid_invocation', 'options.inputs.0.filename'],
  ]);
  for (const [field, input] of [
    ['file', { file: 'a\0b' }],
    ['filename', { text: 'x', filename: 'a\0b' }],
    ['filename', { text: 'x', filename: '..' }],
  ] as const)
    expect(await told([{ id: 'a', ...input }])).toEqual([
      ...[422, 'invalid_invocation', `options.inputs.0.${field}`],
    ]);
  const twice = [
    { id: 'a', text: '' },
    { id: 'a', text: '' },
  ];
  expect(await told(twice)).toEqual([422, 'invalid_invocation', 'options.inputs.1.id']);
  for (const runtime_kind of ['away', 'fake'])
    expect(await told([{ id: 'a', text: '' }], { runtime_kind })).toEqual([
      ...[422, 'invalid_invocation', 'options.inputs'],
    ]);
  const unknown = await engine.run({ runtime_kind: 'nothing', options: { inputs: [{ id: 'a', text: '' }] } });
  expect([unknown.status, unknown.result?.error_summary]).toEqual([
    'rejected',
    'no runner for runtime_kind "nothing"',
  ]);
  held.release('unfinished');
});

test('A run that waits is rejected by name when what it is to be given was deleted, and not begun', async () => {
  const held = heldRunner();
  engine = build({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const run = await made();
  await engine.post({ runtime_kind: 'held', invocation_id: 'first' });
  const waiting = takes([{ id: 'model', ...ofRun(run, 'model') }], ['model']);
  await engine.post(waiting);
  // Retention leaves it, a client does as it likes.
  expect(engine.engine.isNeeded(run)).toBe(true);
  expect((await engine.request({ method: 'DELETE', url: `/invocations/${run}` })).statusCode).toBe(204);
  held.release('first');
  await engine.engine.waitFinished(waiting.invocation_id, 10_000);
  const { status, result, outcome } = engine.engine.record(waiting.invocation_id);
  expect(status).toBe('rejected');
  expect(result?.error_summary).toMatch(new RegExp(`^input model: The invocation ${run} was deleted at `));
  expect(outcome).toMatchObject({
    ended: 'rejected',
    started: false,
    retry_safe: true,
    failure: { permanent: true, reason: 'rejected' },
  });
  expect(seen.command).toEqual([]);
  expect(engine.engine.isNeeded(run)).toBe(false);
});

test('Made anew under the same id it is another artifact, and is not taken for the one that was named', async () => {
  const held = heldRunner();
  engine = build({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const run = await made();
  await engine.post({ runtime_kind: 'held', invocation_id: 'first' });
  const waiting = takes([{ id: 'model', ...ofRun(run, 'model') }], ['model']);
  await engine.post(waiting);
  await engine.request({ method: 'DELETE', url: `/invocations/${run}` });
  await made(run, 'others');
  held.release('first');
  await engine.engine.waitFinished(waiting.invocation_id, 10_000);
  expect(engine.engine.record(waiting.invocation_id).result).toMatchObject({
    status: 'rejected',
    error_summary: `input model: model of ${run} is another one by now`,
  });
});

test('Whoever is revived needs what it named, and waits for it in vain no longer than it must', async () => {
  const held = heldRunner();
  engine = build({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const run = await made();
  await engine.post({ runtime_kind: 'held', invocation_id: 'first' });
  const waiting = takes([{ id: 'model', ...ofRun(run, 'model') }], ['model']);
  await engine.post(waiting);
  engine = build({ dataDir: await engine.crash() });
  await engine.engine.waitFinished(waiting.invocation_id, 10_000);
  const { status, result } = engine.engine.record(waiting.invocation_id);
  expect(status, JSON.stringify(result)).toBe('succeeded');
  expect(seen.files).toEqual(['weights']);
  expect(engine.engine.isNeeded(run)).toBe(false);
});

test('An asset that an unfinished run is to be given cannot be deleted, and afterwards it can', async () => {
  const held = heldRunner();
  engine = buildEngine({ runners: [placed, held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const asset = newId('style');
  const url = `/assets/${asset}`;
  const put = await engine.request({
    ...{ method: 'PUT', url, payload: 'words' },
    headers: { 'content-type': 'text/plain' },
  });
  expect(put.statusCode).toBe(201);
  await engine.post({ runtime_kind: 'held', invocation_id: 'first' });
  const waiting = takes([{ id: 'style', asset }], ['style']);
  await engine.post(waiting);
  const refused = await engine.request({ method: 'DELETE', url });
  expect([refused.statusCode, refused.json().code]).toEqual([409, 'asset_in_use']);
  expect(refused.body).toContain(waiting.invocation_id);
  held.release('first');
  await engine.engine.waitFinished(waiting.invocation_id, 10_000);
  expect(seen.files).toEqual(['words']);
  expect((await engine.request({ method: 'DELETE', url })).statusCode).toBe(204);
});

test('A file of the machine is judged when the run begins, and read where it is', async () => {
  engine = build();
  const work = join(dir, 'wd');
  mkdirSync(work);
  const run = (file: string, more: object = {}) =>
    engine.run(
      takes(
        [
          { id: 'good', text: '' },
          { id: 'a', file },
        ],
        ['a'],
        { working_directory: work, ...more },
      ),
    );
  writeFileSync(join(work, 'a.txt'), 'text');
  for (const file of ['a.txt', join(work, 'a.txt')]) {
    expect((await run(file)).status).toBe('succeeded');
    expect([seen.command, seen.files]).toEqual([[join(work, 'a.txt')], ['text']]);
  }
  symlinkSync(join(engine.dataDir, 'runwire.db'), join(work, 'db'));
  const rejected = async (file: string, words: string) => {
    const { status, result } = await run(file);
    expect([status, result?.error_summary]).toEqual(['rejected', `options.inputs.1.file ${words}`]);
  };
  await rejected('none', `does not exist: ${work}/none`);
  await rejected('.', `is not a regular file: ${work}`);
  await rejected('db', `leads to the data of the server: ${work}/db`);
  await rejected(join(engine.dataDir, 'none'), `leads to the data of the server: ${engine.dataDir}/none`);
});

test('In a workspace a file is one of the workspace', async () => {
  engine = build();
  const workspace_id = newId('ws');
  const made = await engine.request({
    method: 'POST',
    url: '/workspaces',
    payload: { workspace_id, files: [{ path: 'in/a.txt', text: 'text' }] },
  });
  expect(made.statusCode).toBe(201);
  const asked = (file: string) => {
    const asked = takes([{ id: 'a', file }], ['a']);
    return { ...asked, options: { ...asked.options, workspace: workspace_id } };
  };
  expect((await engine.run(asked('in/a.txt'))).status).toBe('succeeded');
  expect(seen.files).toEqual(['text']);
  for (const file of ['/etc/hostname', '../a'])
    expect((await engine.post(asked(file))).json().errors).toMatchObject([{ path: 'options.inputs.0.file' }]);
});

test('Outputs have paths in templates too, where the work sees them', async () => {
  engine = build();
  const outputs = [{ id: 'model', path: 'out/model', required: false }];
  for (const [runtime_kind, path] of [
    ['placed', /\/work\/out\/model$/],
    ['inside', /^\/workspace\/out\/model$/],
  ] as const) {
    const { status } = await engine.run({
      ...{ runtime_kind, command: ['${model.path}'] },
      options: { template: true, outputs },
    });
    expect([status, seen.command]).toEqual(['succeeded', [expect.stringMatching(path)]]);
  }
  const taken = await engine.post(
    fake({}, { options: { inputs: [{ id: 'a', value: 1 }], outputs: [{ id: 'a', path: 'a' }] } }),
  );
  expect(taken.json().errors).toMatchObject([{ path: 'options.outputs.0.id' }]);
});
