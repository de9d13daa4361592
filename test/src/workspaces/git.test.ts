import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { createService, type Service } from '../../../src/service.ts';
import { type GitServer, gitServer } from '../../fixtures/git-server.ts';
import { processesWith, until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';

requires('git', 'linux')('A workspace from git', () => {
  let server: GitServer;
  const open = new Set<Service>();
  const places = new Set<string>();
  const url = (): string => `${server.origin}/project.git`;

  beforeAll(async () => {
    server = await gitServer();
    server.repository('project').files({ 'src/a.txt': 'a\n', large: randomBytes(1_000_000) });
  });
  afterEach(async () => {
    server.instead = null;
    for (const service of open) await service.close('quit');
    for (const place of places) rmSync(place, { recursive: true, force: true });
    open.clear();
    places.clear();
  });
  afterAll(() => server.close());

  async function start(dataDir = mkdtempSync(join(tmpdir(), 'runwire-git-workspace-')), more = {}) {
    places.add(dataDir);
    const environment = {
      PATH: process.env.PATH,
      RUNWIRE_DATA_DIR: dataDir,
      RUNWIRE_SECRET_FORGE: 'a-token-of-a-forge',
      ...more,
    };
    const { config } = readConfig(environment);
    const service = await createService({ config, environment, log: pino({ level: 'silent' }) });
    open.add(service);
    return { dataDir, service, workspaces: service.workspaces };
  }

  test('has its tree, with what was sent beside it, and what it began with as a snapshot', async () => {
    const { workspaces } = await start();
    const { workspace } = await workspaces.create({
      workspace_id: 'w',
      from: { git: { url: url(), secret: 'FORGE' } },
    });
    expect(workspace.state).toBe('filling');
    expect(await workspaces.filled('w', 20_000)).toBe(true);
    const made = workspaces.get('w');
    expect(made).toMatchObject({ state: 'ready', reason: null, base_snapshot: expect.any(String) });
    expect(made.bytes).toBeGreaterThan(2_000_000); // the pack too
    const { root } = workspaces.tree('w');
    expect(readFileSync(join(root, 'src/a.txt'), 'utf8')).toBe('a\n');
    expect(readdirSync(root)).toEqual(['.git', 'large', 'src']);
    expect(readdirSync(join(root, '../beside'))).toEqual([]);
    const sent = server.seen.map(({ headers }) => headers.authorization);
    expect(new Set(sent)).toEqual(
      new Set([`Basic ${Buffer.from('x-access-token:a-token-of-a-forge').toString('base64')}`]),
    );
  });

  test('is refused before it is stored where that can be told, and else fails with the reason', async () => {
    const { workspaces } = await start(undefined, { RUNWIRE_HTTP_DENY: '127.0.0.9' });
    const create = (git: object, more = {}) =>
      workspaces.create({ workspace_id: 'w', from: { git: { url: url(), ...git } }, ...more });
    for (const [git, words] of [
      [{ url: 'http://127.0.0.9/x.git' }, 'from.git.url: calls to 127.0.0.9 are not allowed by this server'],
      [{ ref: '-x' }, 'from.git.ref: must be a branch'],
      [{ secret: 'ABSENT' }, 'from.git.secret: the server holds no secret "ABSENT"'],
    ] as const)
      await expect(create(git)).rejects.toThrow(words);
    expect(() => workspaces.get('w')).toThrow('There is no workspace w');
    await create({ ref: 'nowhere' });
    await workspaces.filled('w', 20_000);
    expect(workspaces.get('w')).toMatchObject({
      state: 'failed',
      reason: 'from.git.ref: there is no nowhere in the repository',
    });
    await workspaces.create({ workspace_id: 'small', max_bytes: 500_000, from: { git: { url: url() } } });
    await workspaces.filled('small', 20_000);
    expect(workspaces.get('small')).toMatchObject({
      state: 'failed',
      reason: 'the repository is too large: more than 500000 bytes',
    });
  });

  test('that is not there yet when the server stops is brought by the next one; nothing of git goes on meanwhile', async () => {
    const { dataDir, service, workspaces } = await start();
    const stalled = Promise.withResolvers<void>();
    server.instead = (request) => {
      if (!request.url?.endsWith('/git-upload-pack')) return false;
      stalled.resolve();
      return true;
    };
    await workspaces.create({ workspace_id: 'w', from: { git: { url: url() } } });
    await stalled.promise;
    await until(() => processesWith(url()).length > 0, 'git is there');
    open.delete(service);
    await service.close('leave');
    expect(processesWith(url())).toEqual([]);
    server.instead = null;
    const next = await start(dataDir);
    await next.workspaces.filled('w', 20_000);
    expect(next.workspaces.get('w')).toMatchObject({ state: 'ready' });
    expect(readFileSync(join(next.workspaces.tree('w').root, 'src/a.txt'), 'utf8')).toBe('a\n');
  });

  test('that is deleted while it comes ends git at once', async () => {
    const { workspaces } = await start();
    const stalled = Promise.withResolvers<void>();
    server.instead = (request) => {
      if (request.url?.endsWith('/git-upload-pack')) stalled.resolve();
      return request.url?.endsWith('/git-upload-pack') ?? false;
    };
    await workspaces.create({ workspace_id: 'w', from: { git: { url: url() } } });
    await stalled.promise;
    await workspaces.remove('w');
    expect(processesWith(url())).toEqual([]);
    expect(() => workspaces.get('w')).toThrow('was deleted');
  });
});
