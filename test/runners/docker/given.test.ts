import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { dockerRunner } from '../../../runners/docker/runner.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { engineElsewhere } from '../../helpers/docker/forward.ts';
import { containersOf, DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { engine as docker, sessionContainers, sessionVolumes } from '../../helpers/docker/sessions.ts';
import { HeldAssets } from '../../helpers/held-assets.ts';
import { requires } from '../../helpers/require.ts';

const newId = (name: string): string => `${name}-${randomUUID().slice(0, 8)}`;

requires('docker')('What a run in a container is given', () => {
  let image: string;
  let room: HeldAssets;
  let server: TestEngine;
  let tcp: Awaited<ReturnType<typeof engineElsewhere>>;
  beforeAll(async () => {
    image = await testImage();
    tcp = await engineElsewhere(DOCKER_HOST);
  });
  afterAll(() => tcp?.[Symbol.asyncDispose]());
  beforeEach(() => {
    room = new HeldAssets();
    room.put('model', { 'weights/a': 'AAA', run: '#!/bin/sh\n' });
    room.put('words', 'one two');
  });
  afterEach(async () => server?.[Symbol.asyncDispose]());

  const start = (dockerHost: string | null = DOCKER_HOST === '' ? null : DOCKER_HOST): void => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-given-'));
    const places = new PrivatePlaces(dataDir);
    const config = { dataDir, dockerHost, dockerCertPath: null, dockerMountRoots: [] };
    const caps = { fileBytes: 1e6, totalBytes: 1e7, count: 100 };
    const runner = dockerRunner({
      ...{ config, places, artifactCaps: caps },
      secrets: new Map(),
    });
    server = buildEngine({ assets: room, runners: [runner], dataDir });
  };
  const ask = (script: string, options: Record<string, unknown> = {}, spec: object = {}) => ({
    ...{ invocation_id: newId('given'), runtime_kind: 'docker', command: ['sh', '-c', script] },
    options: { docker: { image, ...spec }, ...options },
  });
  const told = (record: RunRecord): string => {
    expect(record.result?.error_summary ?? '').toBe('');
    return readFileSync(record.result?.stdout_path ?? '', 'utf8');
  };
  const ASSETS = { model: {}, list: { asset: 'words', save_path: 'lists/words.txt', mode: 'copy' } };
  const LOOK = 'cat {{static:model}}/weights/a {{static:list}}; echo; echo {{static:model}} {{static:list}}';
  const SEEN = 'AAAone two\n/static/model /static/lists/words.txt\n';

  test.each([
    ['a socket of this machine', () => undefined],
    ['a connection to elsewhere', () => tcp.host],
  ])('is where its placeholders say, by %s', async (_, host) => {
    start(host());
    const spec = host() === undefined ? {} : { mount_workspace: false };
    const record = await server.run(ask(LOOK, { assets: ASSETS }, spec));
    expect(told(record)).toBe(SEEN);
    expect(record.invocation.command.at(-1)).toBe(LOOK);
    expect(containersOf(record.invocation.invocation_id)).toEqual([]);
  });

  test('with a read-only root, and before commands of a setup', async () => {
    start();
    for (const dockerHost of [undefined, tcp.host]) {
      const spec = { read_only: true, ...(dockerHost && { mount_workspace: false }) };
      const options = { assets: ASSETS, setup: { commands: ['cat {{static:list}}'] } };
      const record = await server.run(ask(LOOK, options, spec));
      expect(told(record)).toBe(SEEN);
      expect(record.outcome?.setup).toMatchObject([
        { command: ['sh', '-c', 'cat /static/lists/words.txt'], exit_code: 0 },
      ]);
      await server[Symbol.asyncDispose]();
      start(tcp.host);
    }
  });

  test('a mount is not to be changed; a copy is, by any user, and never reaches the next run', async () => {
    start();
    const script =
      'echo more >> {{static:list}} && echo x > {{static:own}}/new && cat {{static:list}}; ' +
      '(echo x > {{static:model}}/weights/a) 2>/dev/null || echo refused';
    const assets = { ...ASSETS, own: { asset: 'model', mode: 'copy' } };
    for (const user of ['app', '0', 'app'])
      expect(told(await server.run(ask(script, { assets }, { user })))).toBe('one twomore\nrefused\n');
  });

  test('links into it are no way to make it an artifact, and no mount is at its place', async () => {
    start();
    const script = 'ln -s {{static:model}}/weights/a link && ln -s {{static:model}} all && echo x > own';
    const record = await server.run(ask(script, { assets: ASSETS, artifacts: ['**'] }));
    expect(record.result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual([
      'stdout',
      'stderr',
      'own',
    ]);
    const clash = await server.run(ask('true', { assets: ASSETS }, { tmpfs: [{ target: '/static/lists' }] }));
    expect(clash).toMatchObject({
      status: 'rejected',
      result: { error_summary: 'mount at /static/lists overlaps what the run is given at /static' },
    });
    const within = await server.run(ask('true', { assets: ASSETS }, { workdir: '/static/work' }));
    expect(within).toMatchObject({
      status: 'rejected',
      result: { error_summary: 'workdir /static/work overlaps what the run is given at /static' },
    });
  });

  test.each(['mount', 'copy'])('a cancel ends the bringing of a %s, and nothing is left', async (mode) => {
    start();
    room.hold = new Promise(() => {});
    const cancelled = async (invocation: object): Promise<void> => {
      const response = await server.post({ ...invocation });
      expect(response.statusCode, response.body).toBe(202);
      const { invocation_id: id } = response.json().invocation;
      while (server.engine.status(id) !== 'running') await sleep(10);
      await sleep(mode === 'copy' ? 300 : 50); // it is at it
      await server.request({ method: 'POST', url: `/invocations/${id}/cancel`, payload: {} });
      await server.engine.waitFinished(id, 30_000);
      expect(server.engine.record(id)).toMatchObject({
        status: 'cancelled',
        outcome: { started: false, retry_safe: true },
      });
      expect(containersOf(id)).toEqual([]);
    };
    const assets = { model: { mode } };
    await cancelled(ask('true', { assets }));
    await cancelled(ask('true', { assets, setup: { commands: ['true'] } }));
    room.hold = null;
    const id = await session({});
    room.hold = new Promise(() => {});
    await cancelled({ command: ['true'], options: { session: id, assets } });
    room.hold = null;
    expect(told(await inside(id, 'echo /static/*'))).toBe('/static/*\n');
    await server.request({ method: 'DELETE', url: `/sessions/${id}` });
  });

  const session = async (options: object, spec: object = {}) => {
    const id = newId('session');
    const response = await server.request({
      method: 'POST',
      url: '/sessions?wait=50',
      payload: {
        session_id: id,
        runtime_kind: 'docker',
        options: { docker: { image, ...spec }, ...options },
      },
    });
    expect([response.statusCode, response.json().state, response.json().reason]).toEqual([
      201,
      'ready',
      null,
    ]);
    return id;
  };
  const inside = (id: string, script: string, options: object = {}) =>
    server.run({ command: ['sh', '-c', script], options: { session: id, ...options } });

  test.each([false, true])('in a session (read-only root: %s)', async (read_only) => {
    start();
    const id = await session(
      {
        assets: { model: {}, mine: { asset: 'words', mode: 'copy' } },
        setup: { commands: ['cat {{static:model}}/weights/a && echo changed > {{static:mine}}'] },
      },
      { read_only },
    );
    room.put('model', { 'weights/a': 'of another version' });
    room.put('words', 'of another version');
    const look = 'cat {{static:model}}/weights/a {{static:mine}}; echo more >> {{static:mine}}';
    for (let n = 0; n < 2; n++) {
      const record = await inside(id, look);
      expect(told(record)).toBe('AAAone two');
      expect(record.invocation.options.assets).toMatchObject({ model: { version: 1 }, mine: { version: 1 } });
    }
    const own = { assets: { own: { asset: 'model', save_path: 'deep/own' } } };
    expect(told(await inside(id, 'cat {{static:own}}/weights/a', own))).toBe('of another version');
    expect(told(await inside(id, 'ls /static; ls /static/deep'))).toBe('deep\nmine\nmodel\n');
    const [container = ''] = sessionContainers(id);
    expect(docker('exec', container, 'sh', '-c', 'echo /static/* /static/deep/*')).toBe(
      '/static/deep /static/model /static/deep/*',
    );
    const refused = await server.post({
      command: ['true'],
      options: { session: id, assets: { model: { version: 2 } } },
    });
    expect(refused.json().errors).toEqual([
      { path: 'options.assets.model', message: "is the session's: say it when that is made" },
    ]);
    await server.request({ method: 'DELETE', url: `/sessions/${id}` });
    expect([sessionContainers(id), sessionVolumes(id)]).toEqual([[], []]);
  });

  test('what a session has mounted is there again when its container is started again, though a start of the machine took it away', async () => {
    start();
    const place = join(mkdtempSync(join(tmpdir(), 'runwire-prepared-')), 'model');
    const { prepared } = room;
    room.prepared = async (...asked) => {
      if (!existsSync(place)) cpSync(await prepared.apply(room, asked), place, { recursive: true });
      return place;
    };
    const id = await session({ assets: { model: {} } });
    expect(told(await inside(id, 'cat {{static:model}}/weights/a'))).toBe('AAA');
    docker('kill', ...sessionContainers(id));
    rmSync(place, { recursive: true });
    const own = { assets: { own: { asset: 'words', mode: 'copy' } } };
    expect(told(await inside(id, 'cat {{static:model}}/weights/a {{static:own}}', own))).toBe('AAAone two');
    await server.request({ method: 'DELETE', url: `/sessions/${id}` });
    rmSync(dirname(place), { recursive: true });
  });

  test('runs beside each other in a session: the same is there for both, another is not put in its place', async () => {
    start();
    const id = await session({});
    const begin = async (script: string, assets: object): Promise<string> => {
      const workspace = { id: (await server.get(`/sessions/${id}`)).json().workspace_id, shared: true };
      const response = await server.post({
        command: ['sh', '-c', script],
        options: { session: id, workspace, assets },
      });
      expect(response.statusCode, response.body).toBe(202);
      return response.json().invocation.invocation_id;
    };
    const ended = async (run: string): Promise<RunRecord> => {
      await server.engine.waitFinished(run, 50_000);
      return server.engine.record(run);
    };
    const first = await begin('echo at; until [ -e go ]; do sleep 0.05; done; cat {{static:x}}', {
      x: { asset: 'words' },
    });
    while (!(await server.get(`/invocations/${first}/stdout`)).body.includes('at')) await sleep(20);
    const same = await ended(
      await begin('until [ -e /static/x ]; do sleep 0.05; done; cat {{static:x}}', { x: { asset: 'words' } }),
    );
    expect(told(same)).toBe('one two');
    const other = await ended(await begin('true', { y: { asset: 'model', save_path: 'x/y' } }));
    expect(other).toMatchObject({
      status: 'failed',
      result: { error_summary: 'another run of the session has /static/x now' },
      outcome: { retry_safe: true },
    });
    expect(told(await ended(await begin('touch go', {})))).toBe('');
    expect(told(await ended(first))).toBe('at\none two');
    await server.request({ method: 'DELETE', url: `/sessions/${id}` });
  });
});
