import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { directoryName } from '../../../src/disk/run-directory.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import type { Checkpoint, Session } from '../../../src/documents/session.ts';
import type { Workspace } from '../../../src/documents/workspace.ts';
import { processesWith, until } from '../../helpers/processes.ts';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

const get = async <T>(walk: Walk, path: string): Promise<{ status: number; body: T }> => {
  const response = await fetch(`${walk.server.url}${path}`);
  return { status: response.status, body: (await response.json()) as T };
};

/** The setup says what it does, and leaves a process of which the argument is the id. */
const bodyOf = (id: string) => ({
  session_id: id,
  runtime_kind: 'subprocess',
  files: [{ path: 'a', text: 'one' }],
  options: {
    setup: {
      commands: ['echo set up >>log', `sh -c 'sleep 100; :' ${id} >/dev/null 2>&1 &`],
      resume_commands: ['echo resumed >>log'],
    },
  },
});
const held = (id: string): number => processesWith(id).length;

async function made(walk: Walk): Promise<Session> {
  await walk.server.startUnlessUp();
  const id = walk.newId();
  const answer = await walk.server.post('/sessions?wait=20', bodyOf(id));
  const session = (await answer.json()) as Session;
  expect([answer.status, session.state]).toEqual([201, 'ready']);
  return session;
}

async function ready(walk: Walk, id: string): Promise<Session> {
  const { body } = await get<Session>(walk, `/sessions/${id}?wait=20`);
  expect(body).toMatchObject({ state: 'ready', reason: null, trouble: null });
  return body;
}

async function run(walk: Walk, session: string, script: string): Promise<RunRecord> {
  const answer = await walk.server.post('/invocations?wait=20', {
    runtime_kind: 'subprocess',
    command: ['sh', '-c', script],
    options: { session },
  });
  const record = (await answer.json()) as RunRecord;
  expect(record.status, JSON.stringify(record)).toBe('succeeded');
  return record;
}

const file = async (walk: Walk, { workspace_id }: Session, path: string): Promise<string> =>
  (await fetch(`${walk.server.url}/workspaces/${workspace_id}/files/${path}`)).text();

/** Kill at the point while the request is on its way, and start again. */
async function killAt(walk: Walk, point: string, request: () => Promise<Response>): Promise<void> {
  await walk.server.atRest();
  walk.server.killAt({ point });
  const answer = request().catch(() => null);
  await walk.server.killed();
  await walk.server.startUnlessUp();
  await answer;
}

/** Nothing is there but what sessions have that are not closed. */
async function expectNothingLeaked(walk: Walk): Promise<void> {
  const { items } = (await get<{ items: Session[] }>(walk, '/sessions?limit=1000')).body;
  const open = items.filter(({ state }) => state !== 'closed').map((one) => one.workspace_id);
  const named = async (): Promise<string[]> =>
    (await get<{ items: Workspace[] }>(walk, '/workspaces?limit=1000')).body.items.map(
      (one) => one.workspace_id,
    );
  expect((await named()).sort()).toEqual(open.sort());
  const { dataDir } = walk.server;
  expect(readdirSync(join(dataDir, 'workspaces')).sort()).toEqual(open.map(directoryName).sort());
  const discarded = join(dataDir, 'discarded-workspaces');
  await until(
    () => !existsSync(discarded) || readdirSync(discarded).length === 0,
    'what was removed is deleted',
  );
  for (const { session_id, state } of items) if (state === 'closed') expect(held(session_id)).toBe(0);
}

async function close(walk: Walk, id: string): Promise<void> {
  expect((await fetch(`${walk.server.url}/sessions/${id}`, { method: 'DELETE' })).status).toBe(204);
  await until(() => held(id) === 0, 'what its setup left is ended');
  expect((await get<Session>(walk, `/sessions/${id}`)).body).toMatchObject({
    state: 'closed',
    trouble: null,
  });
}

describe('A session whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, with a session:');

  for (const point of [
    'session not written',
    'session written',
    'inserted',
    'insert committed',
    'snapshot base committed',
    'turn in the workspace',
    'running committed',
    'started',
    'snapshot after written',
    'result stored',
    'result committed',
    'session ready not written',
    'session ready written',
    'session ready committed',
  ])
    suite.try(`while it is made, at "${point}", is set up once or was never made`, async (walk) => {
      await walk.server.startUnlessUp();
      const id = walk.newId();
      await killAt(walk, point, () => walk.server.post('/sessions?wait=20', bodyOf(id)));
      const absent = ['session not written', 'session written', 'inserted'].includes(point);
      expect((await get(walk, `/sessions/${id}`)).status).toBe(absent ? 404 : 200);
      if (absent) await expectNothingLeaked(walk);
      const again = await walk.server.post('/sessions?wait=20', bodyOf(id));
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual(
        absent ? [201, null] : [200, 'true'],
      );
      const session = await ready(walk, id);
      expect(await file(walk, session, 'log')).toBe('set up\n');
      await run(walk, id, '[ "$(cat a)" = one ]');
      await close(walk, id);
      await expectNothingLeaked(walk);
      walk.onTried(
        `made: ${point}`,
        absent ? 'absent, and made when it is sent again' : 'ready, set up once',
      );
    });

  for (const point of [
    'session reset not written',
    'session reset written',
    'insert committed',
    'restore written',
    'restore committed',
    'restored committed',
    'session put back not written',
    'session put back written',
    'session put back committed',
    'started',
    'session ready not written',
    'session ready committed',
  ])
    suite.try(`while it is reset, at "${point}", is as it was or made anew`, async (walk) => {
      const session = await made(walk);
      const { session_id: id } = session;
      await run(walk, id, 'echo left >left; echo more >>log');
      await killAt(walk, point, () => walk.server.post(`/sessions/${id}/reset?wait=20`));
      const isOld = ['session reset not written', 'session reset written'].includes(point);
      const now = await ready(walk, id);
      expect(now.generation).toBe(isOld ? 1 : 2);
      expect(await file(walk, session, 'log')).toBe(isOld ? 'set up\nmore\n' : 'set up\nset up\nresumed\n');
      expect(await file(walk, session, 'left')).toContain(isOld ? 'left' : 'file_not_found');
      await close(walk, id);
      await expectNothingLeaked(walk);
      walk.onTried(`reset: ${point}`, isOld ? 'as it was, and may be reset again' : 'made anew, once');
    });

  for (const point of [
    'session closed not written',
    'session closed written',
    'session closed committed',
    'workspace of the session not removed',
    'workspace removal written',
    'workspace removal committed',
    'workspace of the session removed',
    'session ended not written',
    'session ended written',
    'session ended committed',
  ])
    suite.try(`while it is closed, at "${point}", is open or leaves nothing`, async (walk) => {
      const { session_id: id, ready_snapshot } = await made(walk);
      await killAt(walk, point, () => fetch(`${walk.server.url}/sessions/${id}`, { method: 'DELETE' }));
      const isOpen = ['session closed not written', 'session closed written'].includes(point);
      if (isOpen) {
        await ready(walk, id);
        await run(walk, id, 'true');
      } else
        await until(
          async () => (await get<Session>(walk, `/sessions/${id}`)).body.state === 'closed',
          'it is closed',
        );
      await close(walk, id);
      await expectNothingLeaked(walk);
      expect((await get(walk, `/snapshots/${ready_snapshot}`)).status).toBe(410);
      walk.onTried(
        `closed: ${point}`,
        isOpen ? 'open, and may be closed again' : 'closed, with all that it had',
      );
    });

  for (const point of [
    'checkpoint begun not written',
    'checkpoint begun committed',
    'snapshot taken not written',
    'snapshot taken written',
    'snapshot taken committed',
    'checkpoint not written',
    'checkpoint written',
    'checkpoint committed',
  ])
    suite.try(`while a checkpoint is taken, at "${point}", has it once, whoever asks again`, async (walk) => {
      const { session_id: id, ready_snapshot } = await made(walk);
      await run(walk, id, 'echo more >>a');
      const body = { snapshot_id: `${id}-c` };
      const take = (): Promise<Response> => walk.server.post(`/sessions/${id}/checkpoint`, body);
      await killAt(walk, point, take);
      await ready(walk, id);
      const answer = await take();
      expect(answer.status).toBeLessThan(300);
      const { since, diff } = (await answer.json()) as Checkpoint;
      expect([since, diff.files.map(({ path }) => path)]).toEqual([ready_snapshot, ['a']]);
      const last = (await get<Session>(walk, `/sessions/${id}`)).body.last_checkpoint;
      expect(last).toBe(body.snapshot_id);
      const kept = answer.status === 200;
      await fetch(`${walk.server.url}/snapshots/${body.snapshot_id}`, { method: 'DELETE' });
      await close(walk, id);
      await expectNothingLeaked(walk);
      walk.onTried(
        `checkpoint: ${point}`,
        kept ? 'is there' : 'is not there, and is taken when it is sent again',
      );
    });

  suite.restartOnceMore();
});
