import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { EnvironmentSpecInput } from '../../../src/documents/environment-spec.ts';
import type { Invocation } from '../../../src/documents/invocation.ts';
import { Record as RunRecord } from '../../../src/documents/record.ts';
import { buildEngine, type EngineTestOptions, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';

const newId = (word = 'spec'): string => `${word}-${randomUUID().slice(0, 8)}`;

const Spec = z.strictObject({
  size: z.number().max(10).optional(),
  label: z.string(),
  ports: z
    .record(z.string(), z.number().max(10))
    .refine((ports) => Object.keys(ports).length < 3, { error: 'must be two at most' })
    .optional(),
});

/** What runs were given. */
interface Given {
  invocation: Invocation;
  environment: Readonly<Record<string, string>>;
}

const aborted = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve));

/** Runs that are over when `gate` is. */
function build(options: EngineTestOptions = {}, gate: Promise<void> = Promise.resolve()) {
  const given: Given[] = [];
  const { parse: _, ...runner } = scripted(
    async ({ invocation, environment, signal }) => {
      given.push({ invocation, environment });
      await Promise.race([gate, aborted(signal)]);
      return exited();
    },
    { setsUp: true, needsCommand: true, aliases: ['written'], spec: Spec },
  );
  const engine = buildEngine({ runners: [runner], config: { RUNWIRE_MAX_CONCURRENT: '1' }, ...options });
  return { engine, given };
}

const put = async (engine: TestEngine, name: string, more: Partial<EnvironmentSpecInput> = {}) =>
  (await engine.specs.put(name, { runtime_kind: 'scripted', options: { scripted: { label: 'x' } }, ...more }))
    .spec;

/** The faulty fields of a refusal. */
async function faults(engine: TestEngine, invocation: Record<string, unknown>): Promise<string[]> {
  const response = await engine.post(invocation);
  expect(response.statusCode).toBe(422);
  return (response.json().errors as { path: string; message: string }[]).map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

test('an invocation that names a spec is what both say, and its record tells the version', async () => {
  const { engine, given } = build();
  await using _ = engine;
  const name = newId();
  const { digest } = await put(engine, name, {
    environment: { A: 'spec', B: 'spec' },
    options: { scripted: { label: 'spec', size: 1 }, kill_grace_seconds: 1 },
    setup: { commands: ['one'], evaluation_commands: ['secret'], resume_commands: ['later'] },
    entry: { command: ['judge'], agent_command: ['solve'], file: 'main.py' },
  });
  const record = await engine.run({
    environment: { B: 'sent' },
    options: { environment_spec: name, scripted: { size: 2 } },
  });
  RunRecord.parse(record);
  expect(record.environment_spec).toEqual({ name, version: 1, digest });
  expect(record.invocation).toMatchObject({
    ...{ runtime_kind: 'scripted', runtime_name: 'scripted', command: ['solve', 'main.py'] },
    environment: { A: 'spec', B: 'sent' },
    options: {
      ...{ environment_spec: `${name}@1`, kill_grace_seconds: 1 },
      scripted: { label: 'spec', size: 2 },
      setup: { commands: ['one'] },
    },
  });
  expect(JSON.stringify(record)).not.toMatch(/secret|later/);
  expect(given[0]?.environment).toMatchObject({ A: 'spec', B: 'sent' });
  const judged = await engine.run({ options: { environment_spec: `${name}@1`, is_evaluation: true } });
  expect(judged.invocation.command).toEqual(['judge', 'main.py']);
  expect(judged.invocation.options.setup).toEqual({ commands: ['one'], evaluation_commands: ['secret'] });
});

test('the record tells it while the run waits, runs and is over, in lists and to the next server; others have none', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { engine } = build({}, gate);
  const name = newId();
  const { digest } = await put(engine, name, { entry: { command: ['x'] } });
  const told = { name, version: 1, digest };
  const [first, second, plain] = [newId('run'), newId('run'), newId('run')];
  for (const invocation_id of [first, second])
    await engine.post({ invocation_id, options: { environment_spec: name } });
  await engine.post({
    ...{ invocation_id: plain, runtime_kind: 'scripted', command: ['x'] },
    options: { scripted: { label: 'x' } },
  });
  const of = async (server: TestEngine, id: string) => {
    const { status, environment_spec } = (await server.get(`/invocations/${id}`)).json() as RunRecord;
    return [status, environment_spec];
  };
  expect(await of(engine, first)).toEqual(['running', told]);
  expect(await of(engine, second)).toEqual(['pending', told]);
  expect(await of(engine, plain)).toEqual(['pending', undefined]);
  const list = async (server: TestEngine) =>
    ((await server.get('/invocations')).json().items as RunRecord[]).map(
      ({ environment_spec }) => environment_spec,
    );
  expect(await list(engine)).toEqual([undefined, told, told]);
  // The next server knows it of those that it revives, also where the spec is gone.
  await engine.specs.remove(name);
  const dataDir = await engine.crash();
  open();
  const { engine: next, given } = build({ dataDir });
  await using _ = next;
  expect((await next.get(`/environment-specs/${name}`)).statusCode).toBe(404);
  await next.engine.waitFinished(second, 10_000);
  expect(await of(next, second)).toEqual(['succeeded', told]);
  expect(given.map(({ invocation }) => invocation.command)).toContainEqual(['x']);
  expect(await list(next)).toEqual([undefined, told, told]);
});

test('what was accepted stays what it was: with a new version, and when it is sent again', async () => {
  const { engine } = build();
  await using _ = engine;
  const name = newId();
  await put(engine, name, { environment: { A: '1' }, entry: { command: ['x'] } });
  const invocation = { invocation_id: newId('run'), options: { environment_spec: name } };
  const first = await engine.run(invocation);
  await put(engine, name, { environment: { A: '2' }, entry: { command: ['x'] } });
  const again = await engine.post(invocation);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.json()).toEqual(first);
  expect((await engine.run({ options: { environment_spec: name } })).environment_spec?.version).toBe(2);
  expect((await engine.run({ options: { environment_spec: `${name}@1` } })).invocation.environment).toEqual({
    A: '1',
  });
  // Also when the spec is gone, and with a key.
  const keyed = { options: { environment_spec: name } };
  const { invocation: made } = (await engine.post(keyed, { 'idempotency-key': name })).json() as RunRecord;
  await engine.specs.remove(name);
  expect((await engine.post(invocation)).json()).toEqual(first);
  const replayed = await engine.post(keyed, { 'idempotency-key': name });
  expect((replayed.json() as RunRecord).invocation.invocation_id).toBe(made.invocation_id);
  // Another body is another invocation, though it would mean the same.
  const named = await engine.post({ ...invocation, options: { environment_spec: `${name}@1` } });
  expect(named.statusCode).toBe(409);
});

test('a spec that is not there is refused by name, and so are two kinds', async () => {
  const { engine } = build();
  await using _ = engine;
  const name = newId();
  await put(engine, name);
  expect(await faults(engine, { options: { environment_spec: `${name}@2` } })).toEqual([
    `options.environment_spec: there is no environment spec ${name}@2`,
  ]);
  expect(await faults(engine, { options: { environment_spec: `${name}@0` } })).toEqual([
    'options.environment_spec: must be the name of an environment spec, or name@version',
  ]);
  expect(await faults(engine, { runtime_kind: 'fake', options: { environment_spec: name } })).toEqual([
    `runtime_kind: is scripted in the environment spec ${name}@1, and no other can be said`,
  ]);
  const record = await engine.run({
    runtime_kind: 'written',
    command: ['x'],
    options: { environment_spec: name },
  });
  expect([record.invocation.runtime_kind, record.runtime_kind]).toEqual(['written', 'scripted']);
  expect(engine.engine.list({ limit: 9 }).items).toHaveLength(1);
});

test('a fault of what both say names the field, and whose it is', async () => {
  const { engine } = build();
  await using _ = engine;
  const [name, bare] = [newId(), newId()];
  const from = `the environment spec ${name}@1`;
  // Checked at PUT as it is alone; here the kind has changed since.
  engine.store.specs.insert({
    ...{ name, digest: 'd', createdAt: 1 },
    document: JSON.stringify({
      runtime_kind: 'scripted',
      options: { scripted: { label: 'x', size: 11, ports: { a: 11 } } },
      entry: { command: ['x'] },
    }),
  });
  const options = { environment_spec: name };
  expect(await faults(engine, { options })).toEqual([
    `options.scripted.size: must be at most 10 (it comes from ${from})`,
    `options.scripted.ports.a: must be at most 10 (it comes from ${from})`,
  ]);
  expect(
    await faults(engine, { options: { ...options, scripted: { size: 12, ports: { a: 1, b: 12 } } } }),
  ).toEqual(['options.scripted.size: must be at most 10', 'options.scripted.ports.b: must be at most 10']);
  expect(
    await faults(engine, { options: { ...options, scripted: { size: 1, ports: { a: 1, b: 1, c: 1 } } } }),
  ).toEqual([`options.scripted.ports: must be two at most (a part of it comes from ${from})`]);
  // What nobody says is nobody's.
  await engine.specs.put(bare, { runtime_kind: 'scripted' });
  expect(await faults(engine, { command: ['x'], options: { environment_spec: bare, scripted: {} } })).toEqual(
    ['options.scripted.label: is missing: must be a string'],
  );
  expect(await faults(engine, { options: { environment_spec: bare, scripted: { label: 'x' } } })).toEqual([
    'command: is needed by this kind',
  ]);
});

test('a fault in the command of an entry is told with whose it is', async () => {
  const { engine } = build();
  await using _ = engine;
  const name = newId();
  await engine.specs.put(name, {
    runtime_kind: 'scripted',
    options: { template: true, scripted: { label: 'x' } },
    entry: { command: ['x', '${model}'] },
  });
  const fault = 'command.1: ${model} is no name here: there is run.id, run.name';
  const options = { environment_spec: name };
  expect(await faults(engine, { options })).toEqual([
    `${fault} (it comes from the environment spec ${name}@1)`,
  ]);
  expect(await faults(engine, { command: ['x', '${model}'], options })).toEqual([fault]);
});

test('a setup for evaluations that an invocation brings itself is as hidden as that of a spec', async () => {
  const { engine } = build();
  await using _ = engine;
  const setup = { commands: ['a'], evaluation_commands: ['hidden'], resume_commands: ['later'] };
  const record = await engine.run({
    ...{ runtime_kind: 'scripted', command: ['x'] },
    options: { scripted: { label: 'x' }, setup },
  });
  expect(record.invocation.options.setup).toEqual({ commands: ['a'] });
  expect(record.environment_spec).toBeUndefined();
});

test('snapshots of a run have in them what its spec says', async () => {
  const { engine } = build();
  await using _ = engine;
  const name = newId();
  await put(engine, name, { snapshot: { ignore: ['*.o'] }, entry: { command: ['x'] } });
  const id = newId('workspace');
  await engine.workspaces.create({ workspace_id: id });
  const record = await engine.run({
    options: { environment_spec: name, workspace: { id, snapshot: 'after' } },
  });
  expect(record.invocation.options.workspace).toEqual({ id, snapshot: 'after', ignore: ['*.o'] });
});
