import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshId, runIn, type SessionRoom, sessionRoom } from '../../helpers/session-room.ts';

/** A run writes its metadata into files of the same names; `gone` is removed. */
const writing = () =>
  sessionRoom(({ invocation: { metadata }, workingDirectory }) => {
    for (const [name, text] of Object.entries(metadata))
      if (name === 'gone') rmSync(join(workingDirectory, text));
      else appendFileSync(join(workingDirectory, name), text);
    return undefined;
  });

const checkpoint = async (room: SessionRoom, id: string, body?: object, query = '') => {
  const { status, body: told } = await room.ask('POST', `/sessions/${id}/checkpoint${query}`, body);
  expect(status, JSON.stringify(told)).toBeLessThan(300);
  return { status, ...told, changes: told.diff.files.map(({ path, change }) => `${change} ${path}`) };
};

test('A checkpoint is a snapshot, with what has changed since the one before; the first, since it was ready', async () => {
  await using room = writing();
  const made = await room.make({
    files: [
      { path: 'a', text: 'one\n' },
      { path: 'b', text: 'two\n' },
    ],
  });
  const { session_id: id } = made;
  await room.built.run(runIn(id, { metadata: { a: 'more\n', new: 'x' } }));
  const first = await checkpoint(room, id, undefined, '?patch=true');
  expect(first).toMatchObject({ status: 201, since: made.ready_snapshot });
  expect(first.changes).toEqual(['modified a', 'created new']);
  expect(first.diff.files[0]?.patch).toContain('+more');
  const stored = (
    await room.built.get(`/snapshots/${first.since}/diff/${first.snapshot.snapshot_id}?patch=true`)
  ).json();
  expect(stored).toEqual(first.diff);
  await room.built.run(runIn(id, { metadata: { gone: 'b' } }));
  const named = { snapshot_id: freshId('c'), metadata: { step: '2' } };
  const second = await checkpoint(room, id, named);
  expect(second.changes).toEqual(['deleted b']);
  expect(second.since).toBe(first.snapshot.snapshot_id);
  expect(second.snapshot.metadata).toEqual({ step: '2' });
  expect((await room.ask('GET', `/sessions/${id}`)).body.last_checkpoint).toBe(named.snapshot_id);
  const none = await checkpoint(room, id);
  expect([none.changes, none.since]).toEqual([[], named.snapshot_id]);
  // Sent again it is what it was, whatever has come since.
  const { status: _, ...said } = second;
  expect(await checkpoint(room, id, named)).toEqual({ status: 200, ...said });
  const other = await room.ask('POST', `/sessions/${id}/checkpoint`, { ...named, ignore: ['a'] });
  expect([other.status, other.body.code]).toEqual([409, 'snapshot_conflict']);
  // Checkpoints are the client's: they stay.
  await room.ask('DELETE', `/sessions/${id}`);
  expect((await room.ask('GET', `/snapshots/${named.snapshot_id}`)).status).toBe(200);
  expect((await room.ask('POST', `/sessions/${id}/checkpoint`, named)).body.code).toBe('session_closed');
});

test('While a run is in it there is none, unless that is asked for', async () => {
  const gate = Promise.withResolvers<void>();
  await using room = sessionRoom(async ({ session, workingDirectory }) => {
    if (session?.isSetup) return undefined;
    writeFileSync(join(workingDirectory, 'half'), '');
    await gate.promise;
    return undefined;
  });
  const { session_id: id } = await room.make();
  const run = (await room.built.post(runIn(id))).json().invocation.invocation_id as string;
  await expect.poll(() => room.begun).toHaveLength(2);
  const refused = await room.ask('POST', `/sessions/${id}/checkpoint`);
  expect([refused.status, refused.body.code]).toEqual([409, 'session_busy']);
  expect(refused.body.detail).toContain(run);
  await expect
    .poll(async () => (await checkpoint(room, id, undefined, '?while_running=true')).snapshot.files)
    .toBe(1);
  gate.resolve();
  await room.built.engine.waitFinished(run, 20_000);
});

test('A snapshot that is no checkpoint is not taken for one', async () => {
  await using room = writing();
  const { session_id: id, workspace_id } = await room.make();
  const snapshot_id = freshId('x');
  await room.ask('POST', `/workspaces/${workspace_id}/snapshots`, { snapshot_id });
  const answer = await room.ask('POST', `/sessions/${id}/checkpoint`, { snapshot_id });
  expect([answer.status, answer.body.code]).toEqual([409, 'snapshot_conflict']);
  expect((await checkpoint(room, id)).since).not.toBe(snapshot_id);
});

test('Of several at the same time one is taken, or they are one after the other', async () => {
  await using room = writing();
  const { session_id: id } = await room.make();
  const all = await Promise.all([1, 2, 3].map(() => room.ask('POST', `/sessions/${id}/checkpoint`)));
  const taken = all.filter(({ status }) => status === 201);
  expect(taken.length).toBeGreaterThan(0);
  for (const { status, body } of all)
    if (status !== 201) expect([status, body.code]).toEqual([409, 'session_busy']);
  expect(new Set(taken.map(({ body }) => body.since)).size).toBe(taken.length);
});

test('One that a crash interrupted is one if its snapshot is there', async () => {
  const first = writing();
  const { session_id: id, ready_snapshot, workspace_id } = await first.make();
  const snapshot_id = freshId('c');
  const { sessions } = first.built.store;
  const before = sessions.get(id);
  await checkpoint(first, id, { snapshot_id });
  // As it was stored before the snapshot was.
  const facts = {
    ...JSON.parse(before?.facts ?? ''),
    checkpointing: { snapshot: snapshot_id, since: ready_snapshot },
  };
  sessions.change(before?.n ?? 0, {
    ...{ state: 'ready', unsettled: true, expiresAt: null, setup: before?.setup ?? '' },
    facts: JSON.stringify(facts),
  });
  const later = await first.crash();
  await using room = later;
  expect((await room.ask('GET', `/sessions/${id}`)).body).toMatchObject({
    state: 'ready',
    last_checkpoint: snapshot_id,
    workspace_id,
  });
  expect(await checkpoint(room, id, { snapshot_id })).toMatchObject({ status: 200, since: ready_snapshot });
});
