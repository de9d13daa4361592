import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { directoryName } from '../../../src/disk/run-directory.ts';
import type { Workspace } from '../../../src/documents/workspace.ts';
import { until } from '../../helpers/processes.ts';
import { exits, truth } from './programs.ts';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

type Files = Record<string, string>;

const json = async (walk: Walk, path: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(`${walk.server.url}${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

const sent = (files: Files) => Object.entries(files).map(([path, text]) => ({ path, text }));

async function make(walk: Walk, files: Files = {}): Promise<string> {
  await walk.server.startUnlessUp();
  const id = walk.newId();
  expect((await walk.server.post('/workspaces', { workspace_id: id, files: sent(files) })).status).toBe(201);
  return id;
}

async function change(walk: Walk, id: string, path: string, text: string): Promise<void> {
  const url = `${walk.server.url}/workspaces/${id}/files/${path}`;
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await fetch(url, { method: 'PUT', body: text, headers })).status).toBeLessThan(300);
}

async function ready(walk: Walk, id: string): Promise<Workspace> {
  let found: Workspace | undefined;
  await until(async () => {
    found = (await json(walk, `/workspaces/${id}`)).body as Workspace;
    return found.state !== 'filling' && found.state !== 'restoring';
  }, 'the workspace is ready');
  return found as Workspace;
}

async function filesOf(walk: Walk, id: string): Promise<Files> {
  const { items } = (await json(walk, `/workspaces/${id}/files`)).body as {
    items: { path: string; type: string }[];
  };
  const files: Files = {};
  for (const { path, type } of items)
    if (type === 'file')
      files[path] = await (await fetch(`${walk.server.url}/workspaces/${id}/files/${path}`)).text();
  return files;
}

function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const all = readdirSync(directory, { recursive: true, withFileTypes: true });
  return all.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

/** Directories are those of the records, and nothing is left beside them. */
async function expectNothingLeaked({ server }: Walk): Promise<void> {
  const { items } = (await (await fetch(`${server.url}/workspaces?limit=1000`)).json()) as {
    items: Workspace[];
  };
  const place = join(server.dataDir, 'workspaces');
  expect(readdirSync(place).sort()).toEqual(items.map((one) => directoryName(one.workspace_id)).sort());
  const left = (): string[] =>
    readdirSync(place).flatMap((name) => [
      ...readdirSync(join(place, name)).filter((one) => !['tree', 'index', 'beside'].includes(one)),
      ...filesBelow(join(place, name, 'beside')),
    ]);
  await until(() => left().length === 0, 'nothing is left beside the trees');
  const discarded = join(server.dataDir, 'discarded-workspaces');
  await until(
    () => !existsSync(discarded) || readdirSync(discarded).length === 0,
    'what was removed is deleted',
  );
}

/** Kill at the point while the request is on its way, and start again. */
async function killAt(walk: Walk, point: string, request: () => Promise<Response>): Promise<Response | null> {
  await walk.server.atRest();
  walk.server.killAt({ point });
  const answer = request().catch(() => null);
  await walk.server.killed();
  await walk.server.startUnlessUp();
  return answer;
}

describe('A workspace whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, with a workspace:');

  for (const point of [
    'workspace not written',
    'workspace written',
    'workspace committed',
    'workspace directory made',
    'snapshot base written',
    'snapshot base committed',
    'workspace ready not written',
    'workspace ready written',
    'workspace ready committed',
  ])
    suite.try(`while it is made, at "${point}", is whole or was never made`, async (walk) => {
      const source = await make(walk, { a: 'old', 'b/c': 'kept' });
      await walk.server.post(`/workspaces/${source}/snapshots`, { snapshot_id: `${source}-s` });
      const id = walk.newId();
      const body = {
        workspace_id: id,
        from: { snapshot: `${source}-s` },
        files: sent({ a: 'new', d: 'more' }),
      };
      await killAt(walk, point, () => walk.server.post('/workspaces?wait=20', body));
      const absent = ['workspace not written', 'workspace written'].includes(point);
      expect((await json(walk, `/workspaces/${id}`)).status).toBe(absent ? 404 : 200);
      await expectNothingLeakedWhen(walk, absent ? null : id);
      expect((await walk.server.post('/workspaces?wait=20', body)).status).toBeLessThan(300);
      expect(await ready(walk, id)).toMatchObject({ state: 'ready', base_snapshot: `${id}.base`, files: 3 });
      expect(await filesOf(walk, id)).toEqual({ a: 'new', 'b/c': 'kept', d: 'more' });
      await expectNothingLeaked(walk);
      walk.onTried(
        `made: ${point}`,
        absent ? 'absent, and made when it is sent again' : 'filled by the next server',
      );
    });

  for (const point of [
    'restore not written',
    'restore written',
    'restore committed',
    'restored not written',
    'restored written',
    'restored committed',
  ])
    suite.try(`while it is restored, at "${point}", is the old or the new`, async (walk) => {
      const id = await make(walk, { a: '1', 'b/c': '2' });
      await change(walk, id, 'a', 'changed');
      await change(walk, id, 'new/d', '3');
      const old = await filesOf(walk, id);
      const restore = { snapshot_id: `${id}.base` };
      await killAt(walk, point, () => walk.server.post(`/workspaces/${id}/restore`, restore));
      expect((await ready(walk, id)).state).toBe('ready');
      const isOld = ['restore not written', 'restore written'].includes(point);
      expect(await filesOf(walk, id)).toEqual(isOld ? old : { a: '1', 'b/c': '2' });
      expect((await walk.server.post(`/workspaces/${id}/reset`)).status).toBe(200);
      expect(await filesOf(walk, id)).toEqual({ a: '1', 'b/c': '2' });
      await expectNothingLeaked(walk);
      walk.onTried(`restore: ${point}`, isOld ? 'as it was, and may be restored again' : 'restored');
    });

  for (const point of [
    'workspace removal not written',
    'workspace removal written',
    'workspace removal committed',
  ])
    suite.try(`while it is deleted, at "${point}", is whole or gone with all its files`, async (walk) => {
      const id = await make(walk, { a: '1' });
      const url = `${walk.server.url}/workspaces/${id}`;
      await killAt(walk, point, () => fetch(url, { method: 'DELETE' }));
      const isGone = point === 'workspace removal committed';
      expect((await json(walk, `/workspaces/${id}`)).status).toBe(isGone ? 410 : 200);
      if (!isGone) expect(await filesOf(walk, id)).toEqual({ a: '1' });
      await expectNothingLeaked(walk);
      walk.onTried(`DELETE of a workspace: ${point}`, isGone ? 'gone' : 'whole, and may be deleted again');
    });
});

describe('Contents whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, with contents:');

  suite.try(
    'are gone when all that held them is deleted, also those that nobody came to hold',
    async (walk) => {
      const id = await make(walk, { a: '1' });
      await change(walk, id, 'b', 'never held');
      const snapshot = { snapshot_id: `${id}-s`, metadata: {} };
      await killAt(walk, 'snapshot taken not written', () =>
        walk.server.post(`/workspaces/${id}/snapshots`, snapshot),
      );
      expect((await json(walk, `/snapshots/${id}-s`)).status).toBe(404);
      const contents = join(walk.server.dataDir, 'contents');
      expect(filesBelow(contents).length).toBeGreaterThan(2);
      for (const path of [`/workspaces/${id}`, `/snapshots/${id}.base`])
        expect((await fetch(`${walk.server.url}${path}`, { method: 'DELETE' })).status).toBe(204);
      // What a sweep notes of itself stays.
      const held = (): string[] => filesBelow(contents).filter((path) => path !== join(contents, 'swept'));
      await until(() => held().length === 0, 'nothing is left of the contents');
      await expectNothingLeaked(walk);
      walk.onTried('snapshot taken not written', 'there is none, and its contents are swept');
    },
  );
});

describe('A run in a workspace whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, with a run in a workspace:');

  for (const point of [
    'turn in the workspace',
    'snapshot before not written',
    'snapshot before written',
    'snapshot before committed',
    'prepared in the workspace',
    'running committed',
    'started',
    'snapshot after not written',
    'snapshot after written',
    'snapshot after committed',
    'workspace counted',
    'result stored',
  ])
    suite.try(`at "${point}" is run once, with both its snapshots`, async (walk) => {
      const id = await make(walk, { in: 'old', other: '' });
      const { body, wrote } = exits(2, {
        workspace: { id, snapshot: 'both' },
        files: [{ path: 'in', text: 'new' }],
      });
      const command = ['sh', '-c', `cat in >>ran; ${(body as { command: string[] }).command[2]}`];
      const { record } = await walk.step({
        point,
        said: `run in a workspace: ${point}`,
        body: { ...body, command },
        wrote,
        expected: truth,
      });
      const { before, after } = record.outcome.workspace?.snapshots ?? {};
      const ofSnapshot = async (snapshot: string | null | undefined, path: string) =>
        (await fetch(`${walk.server.url}/snapshots/${snapshot}/files/${path}`)).text();
      expect(await ofSnapshot(before, 'in')).toBe('new');
      expect(await ofSnapshot(before, 'ran')).toContain('file_not_found');
      expect(await ofSnapshot(after, 'ran')).toBe('new');
      expect((await filesOf(walk, id)).ran).toBe('new');
      const { body: found } = await json(walk, `/workspaces/${id}`);
      expect((found as Workspace).runs).toEqual({ running: 0, queued: 0 });
      await expectNothingLeaked(walk);
    });

  suite.try('while it waits for its turn, it has it after the one before', async (walk) => {
    const id = await make(walk);
    const { record } = await walk.step({
      point: 'insert committed',
      said: 'run waits for the workspace: record durable',
      body: {
        runtime_kind: 'subprocess',
        command: ['sh', '-c', 'cat first'],
        options: { workspace: id },
      },
      prepare: () =>
        walk.server.post('/invocations', {
          runtime_kind: 'subprocess',
          command: ['sh', '-c', 'sleep 0.5; printf one >first'],
          options: { workspace: id },
        }),
      wrote: { stdout: 'one', stderr: '' },
      expected: { status: 'succeeded', outcome: { ended: 'exited', exit_code: 0 } },
    });
    expect(record.outcome.workspace?.bytes).toBe(3);
    await expectNothingLeaked(walk);
  });

  suite.restartOnceMore();
});

async function expectNothingLeakedWhen(walk: Walk, id: string | null): Promise<void> {
  if (id !== null) await ready(walk, id);
  await expectNothingLeaked(walk);
}
