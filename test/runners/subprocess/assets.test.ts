import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { tarOf } from '../../helpers/asset-room.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';

const OWN = randomUUID().slice(0, 8);
const MODEL = `model-${OWN}`;
const WORDS = `words-${OWN}`;

let app: BuiltApp;
beforeAll(async () => {
  app = await buildApp();
  await put(
    `${MODEL}?extract=true`,
    await tarOf([
      { name: 'weights/a', text: 'AAA' },
      { name: 'run', text: '#!/bin/sh\necho ran', mode: 0o755 },
    ]),
  );
  await put(WORDS, Buffer.from('one two\n'));
});
afterAll(() => app?.end());

async function put(path: string, payload: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream' };
  const answer = await app.app.inject({ method: 'PUT', url: `/assets/${path}`, payload, headers });
  expect(answer.statusCode, answer.body).toBe(201);
}
const post = (url: string, payload: object) => app.app.inject({ method: 'POST', url, payload });
const stdout = (record: RunRecord): string => {
  expect(record.result?.error_summary ?? '').toBe('');
  return readFileSync(record.result?.stdout_path ?? '', 'utf8');
};
const shell = (script: string, options: object, more: object = {}) =>
  app.run({ runtime_kind: 'subprocess', command: ['sh', '-c', script], options, ...more });

test('files and directories are there for setup, command and stdin, with their modes, and programs run from them', async () => {
  const record = await shell(
    '{{static:model}}/run; cat {{static:model}}/weights/a made - "$LIST"; stat -c %a {{static:model}}/run {{static:list}} {{static:model}}',
    {
      assets: { model: { asset: MODEL }, list: { asset: WORDS, save_path: 'a/b/list', mode: 'copy' } },
      setup: { commands: [['cp', '{{static:list}}', 'made'], 'cat {{static:list}}'] },
      stdin: 'at {{static:list}}\n',
      artifacts: ['**'],
    },
    { environment: { LIST: '{{static:list}}' } },
  );
  const given = join(app.dataDir, 'runs', record.invocation.invocation_id, 'given');
  expect(stdout(record)).toBe(`ran\nAAAone two\nat ${given}/static/a/b/list\none two\n555\n644\n555\n`);
  expect(record.outcome?.setup?.[0]?.command).toEqual(['cp', `${given}/static/a/b/list`, 'made']);
  expect(record.result?.artifacts.map(({ artifact_id: id }) => id)).toEqual([
    ...['stdout', 'stderr', 'setup_stdout', 'setup_stderr', 'made'],
  ]);
  expect(existsSync(given)).toBe(false);
});

test('in a session each run has its own copies, of the versions that the session was made with', async () => {
  const id = `s-${OWN}`;
  const made = await post('/sessions?wait=20', {
    session_id: id,
    runtime_kind: 'subprocess',
    options: {
      assets: { words: { asset: WORDS, mode: 'copy' } },
      setup: { commands: ['cat {{static:words}} > seen; echo changed > {{static:words}}'] },
    },
  });
  expect([made.statusCode, made.json().state], made.body).toEqual([201, 'ready']);
  await put(WORDS, Buffer.from('three\n'));
  expect((await app.app.inject({ method: 'DELETE', url: `/assets/${WORDS}@1` })).json().code).toBe(
    'asset_in_use',
  );
  const run = async (script: string, options: object = {}) =>
    stdout(await app.run({ command: ['sh', '-c', script], options: { session: id, ...options } }));
  for (let n = 0; n < 2; n++)
    expect(await run('cat seen {{static:words}}; echo changed > {{static:words}}')).toBe(
      'one two\none two\n',
    );
  expect(await run('cat {{static:words}}', { assets: { words: { version: 2 } } })).toBe('three\n');
  expect(await run('cat {{static:own}}', { assets: { own: { asset: WORDS } } })).toBe('three\n');
  expect((await app.app.inject({ method: 'DELETE', url: `/sessions/${id}` })).statusCode).toBe(204);
  expect((await app.app.inject({ method: 'DELETE', url: `/assets/${WORDS}@1` })).statusCode).toBe(204);
});

test('an environment spec names assets, and they stay while it does', async () => {
  const name = `e-${OWN}`;
  const spec = {
    runtime_kind: 'subprocess',
    assets: { model: { asset: MODEL } },
    entry: { command: ['cat', '{{static:model}}/weights/a'] },
  };
  const put = await app.app.inject({ method: 'PUT', url: `/environment-specs/${name}`, payload: spec });
  expect(put.statusCode, put.body).toBe(201);
  expect(stdout(await app.run({ options: { environment_spec: name } }))).toBe('AAA');
  const refused = await app.app.inject({ method: 'DELETE', url: `/assets/${MODEL}` });
  expect([refused.statusCode, refused.json().detail]).toEqual([409, expect.stringContaining(name)]);
  await app.app.inject({ method: 'DELETE', url: `/environment-specs/${name}` });
});

test('a workspace has nothing of what its runs are given: not in files, snapshots or changes', async () => {
  const made = await post('/workspaces?wait=20', {});
  const { workspace_id: id } = made.json();
  const record = await shell('cat {{static:model}}/weights/a > kept', {
    workspace: { id, snapshot: 'both' },
    assets: { model: { asset: MODEL } },
    files: [{ path: 'where', text: '{{static:model}}' }],
  });
  expect(record.status, record.result?.error_summary ?? '').toBe('succeeded');
  const files = (await app.app.inject(`/workspaces/${id}/files`)).json();
  expect(files.items.map(({ path }: { path: string }) => path).sort()).toEqual(['kept', 'where']);
  const where = await app.app.inject(`/workspaces/${id}/files/where`);
  const root = join(app.dataDir, 'runs', record.invocation.invocation_id);
  expect(where.body).toBe(join(root, 'given/static/model'));
  expect(readdirSync(root).filter((name) => name.startsWith('given'))).toEqual([]);
});
