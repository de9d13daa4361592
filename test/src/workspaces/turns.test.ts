import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { TurnLine } from '../../../src/workspaces/turn-line.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, heldRunner, scripted } from '../../helpers/fake-runner.ts';
import { givenFiles } from '../../helpers/given-files.ts';

const newId = (what = 'w'): string => `${what}-${randomUUID().slice(0, 8)}`;

const post = async ({ post }: TestEngine, workspace: unknown, fields: object = {}) => {
  const id = newId('run');
  const { statusCode, body } = await post({
    runtime_kind: 'held',
    invocation_id: id,
    options: { workspace },
    ...fields,
  });
  if (statusCode !== 202) throw new Error(`${statusCode}: ${body}`);
  return id;
};

const ended = async ({ engine }: TestEngine, id: string): Promise<string> => {
  await engine.waitFinished(id, 20_000);
  const { status, outcome } = engine.record(id);
  return `${status} ${outcome?.ended}`;
};

test('turns are given in order of arrival; nobody overtakes, and nobody has one while the line is closed', () => {
  const line = new TurnLine();
  const began: string[] = [];
  const enter = (id: string, shared: boolean): void => line.enter(id, shared, () => began.push(id));
  const open = line.close();
  enter('a', true);
  expect([began.join(), line.hasTurnFor(true), line.placeOf('a')]).toEqual(['', false, 1]);
  open();
  open();
  expect(began.join()).toBe('a');
  expect([line.hasTurnFor(true), line.hasTurnFor(false)]).toEqual([true, false]);
  enter('b', false);
  enter('c', true);
  expect([began.join(), line.placeOf('c'), line.all.join()]).toEqual(['a', 2, 'a,b,c']);
  expect(line.hasTurnFor(true)).toBe(false);
  expect([line.leaveWaiting('b'), line.leaveWaiting('b'), began.join()]).toEqual([true, false, 'a,c']);
  enter('d', false);
  line.leave('a');
  expect(began.join()).toBe('a,c');
  line.leave('c');
  expect([began.join(), line.holders.join()]).toEqual(['a,c,d', 'd']);
  line.leave('d');
  expect(line.isEmpty).toBe(true);
});

test('a run that waits for its turn may be cancelled, and its time to wait may be over', async () => {
  const held = heldRunner();
  await using engine = buildEngine({ runners: [held.runner] });
  const id = newId();
  await engine.workspaces.create({ workspace_id: id });
  const first = await post(engine, id);
  const cancelled = await post(engine, id);
  const late = await post(engine, id, { options: { workspace: id, queue_timeout_seconds: 0.05 } });
  const last = await post(engine, id);
  expect(await ended(engine, late)).toBe('timed_out timed_out');
  engine.engine.cancel(cancelled);
  expect(await ended(engine, cancelled)).toBe('cancelled cancelled');
  const { outcome } = engine.engine.record(cancelled);
  expect(outcome?.workspace).toEqual({ id, snapshots: { before: null, after: null }, bytes: null });
  held.release(first);
  await expect.poll(() => held.started).toEqual([first, last]);
  held.release(last);
  expect(await ended(engine, last)).toBe('succeeded exited');
});

test('the time to wait is that for the workspace and that for a place together', async () => {
  const held = heldRunner();
  await using engine = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  const [id, other] = [newId(), newId()];
  for (const workspace_id of [id, other]) await engine.workspaces.create({ workspace_id });
  const first = await post(engine, id);
  const second = await post(engine, id, { options: { workspace: id, queue_timeout_seconds: 2 } });
  const third = await post(engine, other);
  expect(engine.engine.record(second).waiting?.reason).toBe('workspace');
  expect(engine.engine.record(third).waiting?.reason).toBe('places');
  held.release(first);
  await expect.poll(() => engine.engine.record(second).waiting?.reason).toBe('places');
  expect(await ended(engine, second)).toBe('timed_out timed_out');
  held.release(third);
});

test('those who wait for a workspace count among all who wait', async () => {
  const held = heldRunner();
  await using engine = buildEngine({
    runners: [held.runner],
    config: { RUNWIRE_MAX_CONCURRENT: '2', RUNWIRE_MAX_QUEUE: '2' },
  });
  const id = newId();
  await engine.workspaces.create({ workspace_id: id });
  const runs = [await post(engine, id), await post(engine, id), await post(engine, id)];
  await expect(post(engine, id)).rejects.toThrow('429');
  const free = await post(engine, undefined);
  await expect(post(engine, undefined)).rejects.toThrow('429');
  for (const run of [...runs, free]) held.release(run);
  for (const run of [...runs, free]) expect(await ended(engine, run)).toBe('succeeded exited');
});

test('those who wait for a workspace to be done by others are bounded too', async () => {
  const held = heldRunner({ detached: () => true });
  await using engine = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_QUEUE: '2' } });
  const id = newId();
  await engine.workspaces.create({ workspace_id: id });
  const runs = [await post(engine, id), await post(engine, id)];
  await expect(post(engine, id)).rejects.toThrow('429');
  for (const run of runs) held.release(run);
  for (const run of runs) expect(await ended(engine, run)).toBe('succeeded exited');
});

test('after a crash who was in it is in it again, and who waited waits in the same order', async () => {
  const again = (): ReturnType<typeof heldRunner> => {
    const held = heldRunner();
    return { ...held, runner: { ...held.runner, recover: held.runner.run } as Runner };
  };
  const before = again();
  const first = buildEngine({ runners: [before.runner] });
  const id = newId();
  await first.workspaces.create({ workspace_id: id });
  const runs = [await post(first, id), await post(first, id), await post(first, id)];
  await expect.poll(() => before.started).toEqual(runs.slice(0, 1));
  await expect.poll(() => first.engine.status(runs[0] ?? '')).toBe('running');
  await first.store.committed();
  const dataDir = await first.crash();
  const after = again();
  await using engine = buildEngine({ dataDir, runners: [after.runner] });
  await expect.poll(() => after.started).toEqual(runs.slice(0, 1));
  expect(engine.workspaces.runsOf(id)).toEqual(runs);
  expect(engine.engine.record(runs[2] ?? '').waiting).toEqual({
    reason: 'workspace',
    place: 2,
    holders: [runs[0]],
  });
  for (const run of runs) {
    await expect.poll(() => after.started).toContain(run);
    after.release(run);
    expect(await ended(engine, run)).toBe('succeeded exited');
  }
});

test('files that come with a run are put in when its turn comes, in place of those that are there', async () => {
  const seen: string[] = [];
  const run = scripted(async ({ workingDirectory }: RunContext) => {
    seen.push(readFileSync(join(workingDirectory, 'in'), 'utf8'));
    writeFileSync(join(workingDirectory, 'in'), 'changed');
    return exited();
  });
  const held = heldRunner();
  await using engine = buildEngine({ runners: [run, held.runner] });
  const { workspaces } = engine;
  const id = newId();
  await workspaces.create(
    { workspace_id: id },
    await givenFiles(engine.dataDir, { 'sub/in': 'old', 'sub/other': '' }),
  );
  const first = await post(engine, id);
  const second = newId('run');
  const { statusCode } = await engine.post({
    runtime_kind: 'scripted',
    invocation_id: second,
    working_directory: 'sub',
    options: { workspace: { id, snapshot: 'before' }, files: [{ path: 'in', text: 'new' }] },
  });
  expect(statusCode).toBe(202);
  expect(readFileSync(join(workspaces.tree(id).root, 'sub/in'), 'utf8')).toBe('old');
  held.release(first);
  expect(await ended(engine, second)).toBe('succeeded exited');
  expect(seen).toEqual(['new']);
  expect(workspaces.snapshots.get(`${second}.before`)).toMatchObject({ files: 2, bytes: 3 });
});

test.each([{ detached: () => true }, { places: 'calls' as const }])(
  'a run that others do has its turn like any other: %o',
  async (more) => {
    const held = heldRunner(more);
    await using engine = buildEngine({ runners: [held.runner] });
    const id = newId();
    await engine.workspaces.create({ workspace_id: id });
    const [first, second] = [await post(engine, id), await post(engine, id)];
    await expect.poll(() => held.started).toEqual([first]);
    expect(engine.engine.record(second).waiting?.reason).toBe('workspace');
    held.release(first);
    expect(await ended(engine, first)).toBe('succeeded exited');
    await expect.poll(() => held.started).toEqual([first, second]);
    held.release(second);
    expect(await ended(engine, second)).toBe('succeeded exited');
    expect(engine.workspaces.get(id).runs).toEqual({ running: 0, queued: 0 });
  },
);

test('a runner is told when the run was accepted, before it waited for its turn', async () => {
  const told: number[] = [];
  const run = scripted(async ({ acceptedAt, startedAt }) => {
    told.push(acceptedAt, startedAt);
    return exited();
  });
  const held = heldRunner();
  await using engine = buildEngine({ runners: [run, held.runner] });
  const id = newId();
  await engine.workspaces.create({ workspace_id: id });
  const first = await post(engine, id);
  const second = await post(engine, id, { runtime_kind: 'scripted' });
  held.release(first);
  expect(await ended(engine, second)).toBe('succeeded exited');
  const { created_at, started_at } = engine.engine.record(second);
  expect(told).toEqual([created_at, started_at].map((time) => Date.parse(time ?? '')));
});

test('a snapshot that cannot be taken keeps a run from its beginning, or is said at its end', async () => {
  await using engine = buildEngine({ runners: [scripted(async () => exited())] });
  const id = newId();
  await engine.workspaces.create({ workspace_id: id });
  engine.workspaces.snapshots.takeOwn = () => Promise.reject(new Error('the disk is gone'));
  const go = async (snapshot: string) => {
    const { status, outcome, result } = await engine.run({
      runtime_kind: 'scripted',
      options: { workspace: { id, snapshot } },
    });
    return `${status} ${outcome?.ended} ${JSON.stringify(outcome?.workspace?.snapshots)}: ${result?.error_summary}`;
  };
  const none = '{"before":null,"after":null}';
  expect(await go('before')).toBe(`failed never_started ${none}: the disk is gone`);
  expect(await go('after')).toBe(
    `succeeded exited ${none}: the snapshot after it could not be taken: the disk is gone`,
  );
  expect(engine.workspaces.runsOf(id)).toEqual([]);
});

test('a run that is cancelled while the snapshot before it is taken does not begin, and the next one has its turn', async () => {
  const held = heldRunner();
  await using engine = buildEngine({ runners: [held.runner] });
  const id = newId();
  await engine.workspaces.create({ workspace_id: id });
  const taking = Promise.withResolvers<void>();
  engine.workspaces.snapshots.takeOwn = async (_workspace, _job, _own, { signal } = {}) => {
    taking.resolve();
    if (signal === undefined) throw new Error('nothing gives it up');
    await once(signal, 'abort');
    throw signal.reason;
  };
  const first = await post(engine, id, { options: { workspace: { id, snapshot: 'before' } } });
  const second = await post(engine, id);
  await taking.promise;
  expect(engine.engine.status(first)).toBe('pending');
  engine.engine.cancel(first);
  expect(await ended(engine, first)).toBe('cancelled cancelled');
  expect(engine.engine.record(first).outcome?.started).toBe(false);
  await expect.poll(() => held.started).toEqual([second]);
  held.release(second);
  expect(await ended(engine, second)).toBe('succeeded exited');
});
