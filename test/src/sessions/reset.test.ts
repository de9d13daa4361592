import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StoredSession } from '../../../src/store/sessions.ts';
import { freshId, runIn, type SessionRoom, sessionRoom, unprepared } from '../../helpers/session-room.ts';

const OPTIONS = { setup: { commands: ['make'], resume_commands: ['resume'] } };
const filesOf = async ({ built }: SessionRoom, workspace: string): Promise<string[]> =>
  (await built.get(`/workspaces/${workspace}/files`)).json().items.map(({ path }: { path: string }) => path);

/** The setup of each generation, and each run, leave a file. */
const leaving = () =>
  sessionRoom(({ session, setup, workingDirectory, invocation: { metadata } }) => {
    const name = session?.isSetup
      ? `setup-${session.generation}-of-${setup?.commands.length}`
      : metadata.file;
    writeFileSync(join(workingDirectory, name ?? 'x'), '');
    return undefined;
  });

test('What it held ends, its workspace is what it was, and it is set up again, with what is to be resumed', async () => {
  await using room = leaving();
  const made = await room.make({ options: OPTIONS, files: [{ path: 'a', text: 'one' }] });
  const { session_id: id, workspace_id } = made;
  await room.built.run(runIn(id, { metadata: { file: 'a-run-left' } }));
  expect(await filesOf(room, workspace_id)).toEqual(['a', 'a-run-left', 'setup-1-of-1']);
  const { status, body } = await room.ask('POST', `/sessions/${id}/reset?wait=20`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: 'ready', generation: 2, workspace_id, last_checkpoint: null });
  expect(body.setup_invocation_id).not.toBe(made.setup_invocation_id);
  expect(await filesOf(room, workspace_id)).toEqual(['a', 'setup-1-of-1', 'setup-2-of-2']);
  const { root } = room.built.engine.directory(made.setup_invocation_id);
  expect(room.host.ended).toEqual([{ id, generation: 1, setupDirectories: [root] }]);
  await room.built.run(runIn(id, { metadata: { file: 'late' } }));
  expect(room.begun.at(-1)?.session).toMatchObject({ generation: 2, isSetup: false });
  const { since } = (await room.ask('POST', `/sessions/${id}/checkpoint`)).body;
  expect(since).toBe(body.ready_snapshot);
  await room.ask('DELETE', `/sessions/${id}`);
  expect(room.host.ended.map(({ generation }) => generation)).toEqual([1, 2]);
  for (const snapshot of [made.ready_snapshot, body.ready_snapshot])
    expect((await room.ask('GET', `/snapshots/${snapshot}`)).status).toBe(410);
});

test('With unfinished runs it is refused; runs that come meanwhile wait until it is done', async () => {
  const gate = Promise.withResolvers<void>();
  await using room = sessionRoom(async ({ invocation: { metadata } }) => {
    if (metadata.waits) await gate.promise;
    return undefined;
  });
  const { session_id: id } = await room.make();
  const first = (await room.built.post(runIn(id, { metadata: { waits: 'yes' } }))).json().invocation
    .invocation_id;
  const refused = await room.ask('POST', `/sessions/${id}/reset`);
  expect([refused.status, refused.body.code]).toEqual([409, 'session_busy']);
  gate.resolve();
  await room.built.engine.waitFinished(first, 20_000);
  room.host.away = 'not now';
  await expect.poll(async () => (await room.ask('POST', `/sessions/${id}/reset`)).status).toBe(200);
  const run = (await room.built.post(runIn(id))).json().invocation.invocation_id;
  await expect
    .poll(async () => (await room.ask('GET', `/sessions/${id}`)).body)
    .toMatchObject({ state: 'preparing', trouble: 'not now', runs: { running: 0, queued: 2 } });
  // Nobody else puts anything back meanwhile.
  const { workspace_id, ready_snapshot: snapshot_id } = (await room.ask('GET', `/sessions/${id}`)).body;
  const restore = await room.ask('POST', `/workspaces/${workspace_id}/restore`, { snapshot_id });
  expect([restore.status, restore.body.code]).toEqual([409, 'workspace_busy']);
  room.host.away = null;
  await room.built.engine.waitFinished(run, 20_000);
  expect(room.built.engine.status(run)).toBe('succeeded');
  expect(room.begun.slice(-2).map(({ session }) => session?.isSetup)).toEqual([true, false]);
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject({ state: 'ready', trouble: null });
});

test('Where it cannot be set up again it has failed, and may be reset once more', async () => {
  let fails = false;
  await using room = sessionRoom(({ session }) =>
    session?.isSetup && fails ? unprepared('no more') : undefined,
  );
  const { session_id: id } = await room.make();
  fails = true;
  const failed = await room.ask('POST', `/sessions/${id}/reset?wait=20`);
  expect(failed.body).toMatchObject({ state: 'failed', reason: 'no more', generation: 2 });
  fails = false;
  const again = await room.ask('POST', `/sessions/${id}/reset?wait=20`);
  expect(again.body).toMatchObject({ state: 'ready', reason: null, generation: 3 });
});

test('What an open session goes back to, or compares with, cannot be deleted: 409 names the session', async () => {
  await using room = sessionRoom();
  const whole = await room.make();
  const name = freshId('spec');
  await room.built.specs.put(name, { runtime_kind: 'scripted', snapshot: { ignore: ['x'] } });
  const chosen = await room.make({ environment_spec: name });
  const refused = async (snapshot: string | null, session: string): Promise<void> => {
    const { status, body } = await room.ask('DELETE', `/snapshots/${snapshot}`);
    expect([status, body.code]).toEqual([409, 'snapshot_busy']);
    expect(body.detail).toContain(`the session ${session}`);
  };
  for (const { session_id: id, ready_snapshot: ready, setup_invocation_id: setup } of [whole, chosen]) {
    await refused(ready, id);
    const since = (await room.ask('POST', `/sessions/${id}/checkpoint`, {})).body;
    if (ready !== since.since)
      await expect(room.ask('DELETE', `/snapshots/${since.since}`)).resolves.toMatchObject({ status: 204 });
    const first = since.snapshot.snapshot_id;
    await refused(first, id);
    const second = (await room.ask('POST', `/sessions/${id}/checkpoint`)).body.snapshot.snapshot_id;
    expect((await room.ask('DELETE', `/snapshots/${first}`)).status).toBe(204);
    const reset = (await room.ask('POST', `/sessions/${id}/reset?wait=20`)).body;
    expect(reset).toMatchObject({ state: 'ready', generation: 2 });
    for (const free of [second, ready])
      expect((await room.ask('DELETE', `/snapshots/${free}`)).status).toBe(204);
    expect(reset.setup_invocation_id).not.toBe(setup);
    await refused(reset.ready_snapshot, id);
    await room.ask('DELETE', `/sessions/${id}`);
    expect((await room.ask('DELETE', `/snapshots/${reset.ready_snapshot}`)).body.code).toBe(
      'snapshot_removed',
    );
  }
});

test('One that has failed after it was ready still needs what it goes back to', async () => {
  await using room = sessionRoom();
  const { session_id: id, ready_snapshot } = await room.make();
  room.host.lost = 'gone';
  await room.built.run(runIn(id));
  expect((await room.ask('GET', `/sessions/${id}`)).body.state).toBe('failed');
  expect((await room.ask('DELETE', `/snapshots/${ready_snapshot}`)).body.code).toBe('snapshot_busy');
  room.host.lost = null;
  expect((await room.ask('POST', `/sessions/${id}/reset?wait=20`)).body.state).toBe('ready');
});

test('While it is set up, what it will go back to is not deleted either', async () => {
  await using room = sessionRoom();
  const { session_id: id, ready_snapshot: ready, setup_invocation_id: setup } = await room.make();
  const { sessions } = room.built.store;
  const { n, ...row } = sessions.get(id) as StoredSession;
  const facts = JSON.stringify({ ...JSON.parse(row.facts), readySnapshot: null, readyChoice: null });
  sessions.change(n, { ...row, state: 'preparing', facts });
  expect(ready).toBe(`${setup}.after`);
  expect((await room.ask('DELETE', `/snapshots/${ready}`)).body.code).toBe('snapshot_busy');
  sessions.change(n, row);
});

test('Where an earlier version let them be deleted, a checkpoint is compared with what is there, and a reset says so', async () => {
  await using room = sessionRoom();
  const { session_id: id, ready_snapshot: ready } = await room.make();
  await room.ask('POST', `/sessions/${id}/checkpoint`, { snapshot_id: `${id}.one` });
  const { snapshots } = room.built.store;
  snapshots.remove(`${id}.one`, 'deleted');
  const next = await room.ask('POST', `/sessions/${id}/checkpoint`, {});
  expect([next.status, next.body.since]).toEqual([201, ready]);
  snapshots.remove(ready ?? '', 'deleted');
  const answer = await room.ask('POST', `/sessions/${id}/reset`);
  expect([answer.status, answer.body.code]).toEqual([410, 'snapshot_removed']);
  expect((await room.built.run(runIn(id))).status).toBe('succeeded');
});

test('Closed in the middle of it, it is closed', async () => {
  await using room = leaving();
  const { session_id: id, workspace_id } = await room.make({ options: OPTIONS });
  room.host.away = 'not now';
  const { body } = await room.ask('POST', `/sessions/${id}/reset`);
  await room.ask('DELETE', `/sessions/${id}`);
  room.host.away = null;
  await expect
    .poll(async () => (await room.ask('GET', `/workspaces/${workspace_id}`)).status, { timeout: 10_000 })
    .toBe(410);
  expect(room.built.engine.record(body.setup_invocation_id).status).toBe('cancelled');
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject({
    state: 'closed',
    reason: 'deleted',
  });
});

test('The next server goes on with a reset, before anything runs in it', async () => {
  const first = leaving();
  const { session_id: id, workspace_id } = await first.make({ options: OPTIONS });
  await first.built.run(runIn(id, { metadata: { file: 'a-run-left' } }));
  first.host.away = 'not now';
  expect((await first.ask('POST', `/sessions/${id}/reset`)).body.state).toBe('preparing');
  const run = freshId('r');
  await first.built.post(runIn(id, { invocation_id: run, metadata: { file: 'late' } }));
  await expect.poll(async () => (await first.ask('GET', `/sessions/${id}`)).body.trouble).toBe('not now');
  first.host.away = null;
  await using room = await first.crash();
  await room.built.engine.waitFinished(run, 20_000);
  expect(room.built.engine.status(run)).toBe('succeeded');
  expect(room.begun.map(({ session }) => session?.isSetup)).toEqual([true, false]);
  expect(await filesOf(room, workspace_id)).toEqual(['late', 'setup-1-of-1', 'setup-2-of-2']);
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject({ state: 'ready', generation: 2 });
});

test('The next server goes on with a session that was closed, and with one that was being set up', async () => {
  const gate = Promise.withResolvers<void>();
  const first = sessionRoom(
    async ({ session, signal }) => {
      if (session?.isSetup && session.id.startsWith('slow'))
        await Promise.race([
          gate.promise,
          new Promise((resolve) => signal.addEventListener('abort', resolve)),
        ]);
      return undefined;
    },
    { kind: { recover: async () => ({ ...unprepared('it was not over'), success: false }) } },
  );
  const closed = await first.make();
  const slow = freshId('slow');
  expect((await first.ask('POST', '/sessions', { session_id: slow, runtime_kind: 'scripted' })).status).toBe(
    201,
  );
  await expect.poll(() => first.begun).toHaveLength(2);
  first.host.away = 'not now';
  await first.ask('DELETE', `/sessions/${closed.session_id}`);
  first.host.away = null;
  const ended = first.host.ended.length;
  await using room = await first.crash();
  gate.resolve();
  await expect
    .poll(async () => (await room.ask('GET', `/workspaces/${closed.workspace_id}`)).status, {
      timeout: 10_000,
    })
    .toBe(410);
  expect(room.host.ended.length).toBeGreaterThan(ended);
  await expect
    .poll(async () => (await room.ask('GET', `/sessions/${closed.session_id}`)).body)
    .toMatchObject({ state: 'closed', trouble: null });
  const failed = (await room.ask('GET', `/sessions/${slow}?wait=20`)).body;
  expect(failed).toMatchObject({ state: 'failed', reason: expect.stringContaining('it was not over') });
  await room.ask('DELETE', `/sessions/${slow}`);
  const left = readdirSync(join(room.built.dataDir, 'workspaces'));
  expect([left, existsSync(join(room.built.dataDir, 'workspaces', failed.workspace_id))]).toEqual([
    [],
    false,
  ]);
});

test('When what it holds was started is known to later runs and servers, and to no later generation', async () => {
  const seen: (string | null | undefined)[] = [];
  const first = sessionRoom(({ session }) => {
    seen.push(session?.startedAt?.());
    session?.started?.(`in ${session.generation}, seen ${seen.length}`);
    return undefined;
  });
  const { session_id: id } = await first.make();
  await first.built.run(runIn(id));
  await using room = await first.crash();
  await room.built.run(runIn(id));
  expect(seen).toEqual([null, 'in 1, seen 1', 'in 1, seen 2']);
  await room.ask('POST', `/sessions/${id}/reset?wait=20`);
  await room.built.run(runIn(id));
  expect(seen.slice(3)).toEqual([null, 'in 2, seen 4']);
});
