import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import { fake, heldRunner } from '../../helpers/fake-runner.ts';
import { freshId, runIn, type SessionRoom, sessionRoom, unprepared } from '../../helpers/session-room.ts';

const FILES = [{ path: 'a', text: 'one' }];
const held = () => {
  const gate = Promise.withResolvers<void>();
  return { ...gate, until: ({ signal }: RunContext) => Promise.race([gate.promise, aborted(signal)]) };
};
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
const post = async ({ built }: SessionRoom, body: object) => {
  const answer = await built.post(body as Record<string, unknown>);
  expect(answer.statusCode, answer.body).toBe(202);
  return (answer.json() as { invocation: { invocation_id: string } }).invocation.invocation_id;
};

test('It is set up once, and its runs find what that made; closed it leaves nothing', async () => {
  await using room = sessionRoom(({ session, workingDirectory }) => {
    if (session?.isSetup)
      writeFileSync(join(workingDirectory, 'made'), readFileSync(join(workingDirectory, 'a')));
    else expect(readFileSync(join(workingDirectory, 'made'), 'utf8')).toBe('one');
    return undefined;
  });
  const id = freshId();
  const made = await room.make({ session_id: id, files: FILES, metadata: { who: 'me' } });
  expect(made).toMatchObject({
    ...{
      session_id: id,
      state: 'ready',
      reason: null,
      trouble: null,
      generation: 1,
      metadata: { who: 'me' },
    },
    ...{ runtime_kind: 'scripted', keep_workspace: false, expires_at: null },
    runs: { running: 0, queued: 0 },
  });
  for (const _ of [1, 2]) {
    const { status, result, invocation } = await room.built.run(runIn(id));
    expect(status, result?.error_summary ?? '').toBe('succeeded');
    expect(invocation.options).toMatchObject({ session: id, workspace: made.workspace_id });
  }
  expect(room.begun.map(({ session, setup }) => [session, setup === null])).toEqual([
    [expect.objectContaining({ id, generation: 1, isSetup: true }), false],
    [expect.objectContaining({ id, generation: 1, isSetup: false }), true],
    [expect.objectContaining({ id, generation: 1, isSetup: false }), true],
  ]);
  const setup = room.built.engine.record(made.setup_invocation_id);
  expect(setup).toMatchObject({
    status: 'succeeded',
    result: { exit_code: null },
    outcome: { ended: 'completed' },
  });
  const { root } = room.built.engine.directory(made.setup_invocation_id);

  expect((await room.ask('DELETE', `/sessions/${id}`)).status).toBe(204);
  expect(room.host.ended).toEqual([{ id, generation: 1, setupDirectories: [root] }]);
  const closed = (await room.ask('GET', `/sessions/${id}`)).body;
  expect(closed).toMatchObject({ state: 'closed', reason: 'deleted', trouble: null });
  expect((await room.ask('GET', `/workspaces/${made.workspace_id}`)).status).toBe(410);
  for (const snapshot of [made.ready_snapshot, `${made.workspace_id}.base`])
    expect((await room.ask('GET', `/snapshots/${snapshot}`)).status).toBe(410);
  expect((await room.ask('DELETE', `/sessions/${id}`)).status).toBe(204);
  expect(room.host.ended).toHaveLength(1);
  const late = await room.built.post(runIn(id));
  expect([late.statusCode, late.json().code]).toEqual([410, 'session_closed']);
});

test('The same id and body are the same session, another body is refused, and a closed one makes room', async () => {
  await using room = sessionRoom();
  const session_id = freshId();
  const body = { session_id, runtime_kind: 'scripted', files: FILES };
  const first = await room.make(body);
  expect(await room.ask('POST', '/sessions', body)).toMatchObject({ status: 200, body: first });
  const other = await room.ask('POST', '/sessions', { ...body, is_evaluation: true });
  expect([other.status, other.body.code]).toEqual([409, 'session_conflict']);
  await room.ask('DELETE', `/sessions/${session_id}`);
  const next = await room.make(body);
  expect(next.state).toBe('ready');
  expect(next.workspace_id).not.toBe(first.workspace_id);
  const { items } = (await room.ask('GET', '/sessions')).body;
  expect(items.map((one) => one.session_id)).toEqual([session_id]);
});

test('Runs that come before it is ready wait for that', async () => {
  const gate = held();
  await using room = sessionRoom(async (ctx) => {
    if (ctx.session?.isSetup) await gate.until(ctx);
    return undefined;
  });
  const answer = await room.ask('POST', '/sessions?wait=0.05', { runtime_kind: 'scripted' });
  expect(answer).toMatchObject({ status: 201, body: { state: 'preparing' } });
  const { session_id: id, setup_invocation_id: setup } = answer.body;
  const run = await post(room, runIn(id));
  await expect.poll(() => room.begun).toHaveLength(1);
  expect((await room.ask('GET', `/sessions/${id}`)).body.runs).toEqual({ running: 1, queued: 1 });
  expect(room.built.engine.record(run)).toMatchObject({
    status: 'pending',
    waiting: { reason: 'workspace', place: 1, holders: [setup] },
  });
  expect((await room.ask('POST', `/sessions/${id}/checkpoint`)).body.code).toBe('session_busy');
  expect((await room.ask('POST', `/sessions/${id}/reset`)).body.code).toBe('session_busy');
  gate.resolve();
  await room.built.engine.waitFinished(run, 20_000);
  expect(room.built.engine.status(run)).toBe('succeeded');
  expect((await room.ask('GET', `/sessions/${id}`)).body.state).toBe('ready');
});

test('Where its setup fails it is failed: what waits is rejected, what comes is refused, and what it left is ended', async () => {
  const gate = held();
  await using room = sessionRoom(async (ctx) => {
    if (!ctx.session?.isSetup) return undefined;
    await gate.until(ctx);
    return unprepared('setup: command 1 of 1 (make) exited with code 2');
  });
  const { body } = await room.ask('POST', '/sessions', { runtime_kind: 'scripted', files: FILES });
  const { session_id: id } = body;
  const run = await post(room, runIn(id));
  gate.resolve();
  await room.built.engine.waitFinished(run, 20_000);
  const reason = 'setup: command 1 of 1 (make) exited with code 2';
  expect(room.built.engine.record(run)).toMatchObject({
    status: 'rejected',
    result: { error_summary: `the session ${id} could not be set up: ${reason}` },
    outcome: { ended: 'rejected', started: false },
  });
  const late = await room.built.post(runIn(id));
  expect([late.statusCode, late.json().code]).toEqual([409, 'session_failed']);
  expect(late.json().detail).toContain(reason);
  await expect.poll(() => room.host.ended).toHaveLength(1);
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject({ state: 'failed', reason });
  for (const path of ['checkpoint', 'reset'])
    expect((await room.ask('POST', `/sessions/${id}/${path}`)).body.code).toBe('session_failed');
  // What is in it can be looked at until it is closed.
  expect((await room.built.get(`/workspaces/${body.workspace_id}/files/a`)).body).toBe('one');
  expect((await room.ask('DELETE', `/sessions/${id}`)).status).toBe(204);
  expect((await room.ask('GET', `/workspaces/${body.workspace_id}`)).status).toBe(410);
});

test('Its runs are cancelled when it is closed, and say by whom', async () => {
  await using room = sessionRoom(async ({ session, signal }) => {
    if (!session?.isSetup) await aborted(signal);
    return undefined;
  });
  const { session_id: id } = await room.make();
  const runs = [await post(room, runIn(id)), await post(room, runIn(id))];
  await expect
    .poll(async () => (await room.ask('GET', `/sessions/${id}`)).body.runs)
    .toEqual({ running: 1, queued: 1 });
  expect((await room.ask('DELETE', `/sessions/${id}`)).status).toBe(204);
  for (const run of runs)
    expect(room.built.engine.record(run)).toMatchObject({
      status: 'cancelled',
      outcome: { cancelled_by: { by: 'session' } },
    });
  expect((await room.ask('GET', `/sessions/${id}`)).body.runs).toEqual({ running: 0, queued: 0 });
});

test.each([false, true])(
  'One that is closed while it is set up does not wait for that: its setup is cancelled (workspace kept: %s)',
  async (keep_workspace) => {
    await using room = sessionRoom(async ({ signal }) => {
      await aborted(signal);
      return undefined;
    });
    const { body } = await room.ask('POST', '/sessions', { runtime_kind: 'scripted', keep_workspace });
    await expect.poll(() => room.begun).toHaveLength(1);
    expect((await room.ask('DELETE', `/sessions/${body.session_id}`)).status).toBe(204);
    expect(room.built.engine.record(body.setup_invocation_id)).toMatchObject({
      status: 'cancelled',
      outcome: { cancelled_by: { by: 'session' } },
    });
    expect((await room.ask('GET', `/sessions/${body.session_id}`)).body).toMatchObject({
      ...{ state: 'closed', trouble: null, runs: { running: 0, queued: 0 } },
    });
    const { items } = (await room.ask('GET', '/snapshots')).body as unknown as { items: object[] };
    if (!keep_workspace) expect(items, 'snapshots that are left').toEqual([]);
  },
);

test('What was kept of a setup that failed goes with the session, in a later generation too', async () => {
  const snapshots = async (room: SessionRoom): Promise<unknown[]> =>
    ((await room.ask('GET', '/snapshots')).body as unknown as { items: unknown[] }).items;
  let fails = true;
  await using room = sessionRoom(({ session }) =>
    session?.isSetup && fails ? unprepared('it failed') : undefined,
  );
  const failed = await room.make();
  expect(failed.state).toBe('failed');
  expect(await snapshots(room)).not.toEqual([]);
  await room.ask('DELETE', `/sessions/${failed.session_id}`);
  expect(await snapshots(room)).toEqual([]);
  fails = false;
  const { session_id: id } = await room.make();
  fails = true;
  expect((await room.ask('POST', `/sessions/${id}/reset?wait=20`)).body.state).toBe('failed');
  await room.ask('DELETE', `/sessions/${id}`);
  expect(await snapshots(room)).toEqual([]);
});

test('Runs that are in its workspace without it are unfinished runs too, and go with it', async () => {
  await using room = sessionRoom(async ({ session, signal }) => {
    if (session === null) await aborted(signal);
    return undefined;
  });
  const { session_id: id, workspace_id: workspace } = await room.make({ idle_seconds: 0.01 });
  const run = await post(room, { runtime_kind: 'scripted', command: ['x'], options: { workspace } });
  await expect.poll(() => room.begun).toHaveLength(2);
  const refused = await room.ask('POST', `/sessions/${id}/reset`);
  expect([refused.body.code, refused.body.detail]).toEqual(['session_busy', expect.stringContaining(run)]);
  expect((await room.ask('GET', `/sessions/${id}`)).body.state).toBe('ready');
  await room.ask('DELETE', `/sessions/${id}`);
  expect(room.built.engine.record(run).outcome?.cancelled_by).toEqual({ by: 'session' });
  expect((await room.ask('GET', `/workspaces/${workspace}`)).status).toBe(410);
});

test('A workspace that was given is kept unless it is said otherwise, and is that of one session', async () => {
  await using room = sessionRoom();
  const workspace = freshId('w');
  await room.ask('POST', '/workspaces', { workspace_id: workspace, files: FILES });
  const first = await room.make({ workspace });
  expect(first).toMatchObject({ workspace_id: workspace, keep_workspace: true });
  const second = await room.ask('POST', '/sessions', { runtime_kind: 'scripted', workspace });
  expect([second.status, second.body.code]).toEqual([409, 'workspace_busy']);
  for (const [method, path] of [
    ['DELETE', ''],
    ['DELETE', '?cancel=true'],
    ['POST', '/reset'],
  ] as const) {
    const answer = await room.ask(method, `/workspaces/${workspace}${path}`);
    expect([answer.status, answer.body.code]).toEqual([409, 'workspace_busy']);
    expect(answer.body.detail).toContain(first.session_id);
  }
  const { snapshot_id } = (await room.ask('POST', `/workspaces/${workspace}/snapshots`)).body;
  expect((await room.ask('POST', `/workspaces/${workspace}/restore`, { snapshot_id })).status).toBe(200);
  await room.ask('DELETE', `/sessions/${first.session_id}`);
  expect((await room.built.get(`/workspaces/${workspace}/files/a`)).body).toBe('one');
  const { session_id } = await room.make({ workspace, keep_workspace: false });
  await room.ask('DELETE', `/sessions/${session_id}`);
  expect((await room.ask('GET', `/workspaces/${workspace}`)).status).toBe(410);
  for (const gone of [workspace, freshId('w')])
    expect(await room.ask('POST', '/sessions', { runtime_kind: 'scripted', workspace: gone })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'workspace' }] },
    });
});

test('What cannot be ended now is tried again, and the session says so', async () => {
  await using room = sessionRoom();
  const { session_id: id, workspace_id } = await room.make();
  room.host.away = 'the engine is away';
  expect((await room.ask('DELETE', `/sessions/${id}`)).status).toBe(204);
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject({
    ...{ state: 'closed', reason: 'deleted', trouble: 'the engine is away' },
  });
  expect((await room.ask('POST', '/sessions', { session_id: id, runtime_kind: 'scripted' })).body.code).toBe(
    'session_busy',
  );
  room.host.away = null;
  await room.ask('DELETE', `/sessions/${id}`);
  await expect
    .poll(async () => (await room.ask('GET', `/sessions/${id}`)).body.trouble, { timeout: 10_000 })
    .toBeNull();
  expect(room.host.ended).toHaveLength(1);
  expect((await room.ask('GET', `/workspaces/${workspace_id}`)).status).toBe(410);
});

test('It is closed when its time is over, not while a run in it is not', async () => {
  const gate = held();
  await using room = sessionRoom(async (ctx) => {
    if (!ctx.session?.isSetup) await gate.until(ctx);
    return undefined;
  });
  const busy = await room.make({ ttl_seconds: 0.01 });
  const old = await room.make({ ttl_seconds: 1000, idle_seconds: 0.01 });
  const run = await room.built.post(runIn(busy.session_id));
  const stateOf = async (id: string) => (await room.ask('GET', `/sessions/${id}`)).body;
  await expect
    .poll(async () => stateOf(old.session_id), { timeout: 10_000 })
    .toMatchObject({ state: 'closed', reason: 'idle' });
  expect(old.expires_at).not.toBeNull();
  // Closed first, that nobody enters it, and then everything of it goes.
  const workspace = `/workspaces/${old.workspace_id}`;
  await expect.poll(async () => (await room.ask('GET', workspace)).status, { timeout: 10_000 }).toBe(410);
  // Its time was over when it was made: it may have gone before the run came.
  if (run.statusCode === 202) expect((await stateOf(busy.session_id)).state).toBe('ready');
  gate.resolve();
  await expect
    .poll(async () => stateOf(busy.session_id), { timeout: 10_000 })
    .toMatchObject({ state: 'closed', reason: 'expired' });
});

test('What it holds is looked after: where that is gone it has failed, and a reset makes it anew', async () => {
  await using room = sessionRoom();
  const { session_id: id } = await room.make();
  room.host.lost = 'its container is gone';
  const { status, result } = await room.built.run(runIn(id));
  expect(status).toBe('rejected');
  expect(result?.error_summary).toBe(`the session ${id} cannot be used: its container is gone`);
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject({
    state: 'failed',
    reason: 'its container is gone',
  });
  room.host.lost = null;
  const reset = await room.ask('POST', `/sessions/${id}/reset?wait=20`);
  expect(reset).toMatchObject({ status: 200, body: { state: 'ready', generation: 2, reason: null } });
  expect((await room.built.run(runIn(id))).status).toBe('succeeded');
});

test('It has failed when a run tells what became of it, before that is told itself', async () => {
  await using room = sessionRoom(async ({ session }) => {
    if (session?.isSetup) return undefined;
    const stored = session?.gone?.('its container is gone');
    expect((await room.ask('GET', `/sessions/${session?.id}`)).body.state).toBe('failed');
    await stored;
    return { ended: 'lost', started: true, retrySafe: false, exitCode: null, errorSummary: 'gone' };
  });
  const { session_id: id } = await room.make();
  await room.built.run(runIn(id));
  const failed = { state: 'failed', reason: 'its container is gone' };
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject(failed);
  await expect.poll(() => room.host.ended.length, { timeout: 10_000 }).toBe(1);
  expect(room.host.asked).toBe(1);
});

test('One whose setup is refused was never made, and leaves nothing', async () => {
  const { runner, release } = heldRunner();
  await using room = sessionRoom(undefined, {
    config: { RUNWIRE_MAX_CONCURRENT: '1', RUNWIRE_MAX_QUEUE: '1' },
    runners: [runner],
  });
  const ids = [freshId('h'), freshId('h')];
  for (const invocation_id of ids) await room.built.post({ runtime_kind: 'held', invocation_id });
  const session_id = freshId();
  // The id is free at once: what is mended and sent again does not meet what was refused.
  for (let round = 0; round < 5; round++) {
    const answer = await room.ask('POST', '/sessions', {
      session_id,
      runtime_kind: 'scripted',
      files: FILES,
    });
    expect([answer.status, answer.body.code]).toEqual([429, 'queue_full']);
    expect((await room.ask('GET', `/sessions/${session_id}`)).status).toBe(404);
    expect((await room.ask('GET', '/sessions')).body.items).toEqual([]);
    expect((await room.ask('GET', '/workspaces')).body.items).toEqual([]);
  }
  for (const id of ids) release(id);
  await expect
    .poll(
      async () =>
        (await room.ask('POST', '/sessions', { session_id, runtime_kind: 'scripted', files: FILES })).status,
    )
    .toBe(201);
});

test('The run that sets it up is its own: nobody takes its id, or deletes it while the session is there', async () => {
  await using room = sessionRoom();
  const made = await room.make();
  const { setup_invocation_id: setup, session_id: id } = made;
  const kept = await room.ask('DELETE', `/invocations/${setup}`);
  expect([kept.status, kept.body.code]).toEqual([409, 'session_busy']);
  expect(kept.body.detail).toContain(id);
  const taken = await room.built.post(runIn(id, { invocation_id: setup }));
  expect([taken.statusCode, taken.json().code]).toEqual([409, 'invocation_conflict']);
  await room.ask('DELETE', `/sessions/${id}`);
  expect((await room.ask('DELETE', `/invocations/${setup}`)).status).toBe(204);
});

test('A kind that sets nothing up has sessions without a setup, and none with one', async () => {
  await using room = sessionRoom();
  const made = await room.make({ runtime_kind: 'fake', files: FILES });
  expect(made).toMatchObject({ state: 'ready', runtime_kind: 'fake' });
  expect(room.built.engine.record(made.setup_invocation_id)).toMatchObject({
    status: 'succeeded',
    outcome: { ended: 'completed', exit_code: null, setup: [] },
  });
  const { status } = await room.built.run(fake({}, { options: { session: made.session_id } }));
  expect(status).toBe('succeeded');
  expect(await room.ask('DELETE', `/sessions/${made.session_id}`)).toMatchObject({ status: 204 });
  const refused = await room.ask('POST', '/sessions', {
    runtime_kind: 'fake',
    options: { setup: { commands: ['make'] } },
  });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'options.setup' }] } });
  await expect.poll(async () => (await room.ask('GET', '/sessions')).body.items).toHaveLength(1);
  expect(existsSync(join(room.built.dataDir, 'workspaces', made.workspace_id))).toBe(false);
});

test('Without room there is none made, and nothing is left of it', async () => {
  let words: string | null = 'the disk is full';
  const disk = { shortage: () => words, failed() {}, spendReserve() {} };
  await using room = sessionRoom(undefined, { disk });
  const body = { session_id: freshId(), runtime_kind: 'scripted', files: FILES };
  const refused = await room.ask('POST', '/sessions', body);
  expect([refused.status, refused.body.code]).toEqual([507, 'insufficient_storage']);
  for (const path of ['/sessions', '/workspaces', '/invocations'])
    expect((await room.ask('GET', path)).body.items).toEqual([]);
  words = null;
  expect((await room.make(body)).state).toBe('ready');
});
