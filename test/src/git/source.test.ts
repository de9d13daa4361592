import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { type GitServer, gitServer, type TestRepository } from '../../fixtures/git-server.ts';
import { requires } from '../../helpers/require.ts';
import { Scene } from './scene.ts';

requires('git')('A tree from a git address', () => {
  let server: GitServer;
  let repository: TestRepository;
  let first: string;
  let second: string;
  let scene: Scene;
  const url = (): string => `${server.origin}/project.git`;
  const read = (path: string): string => readFileSync(join(scene.directory, path), 'utf8');
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'safe.directory=*', ...args], {
      cwd: scene.directory,
      encoding: 'utf8',
    }).trim();

  beforeAll(async () => {
    server = await gitServer();
    repository = server.repository('project');
    first = repository.files({ 'a.txt': 'one\n' });
    second = repository.files({ 'a.txt': 'two\r\n', 'deep/ü b.txt': 'deep\n' });
    const link = { mode: '120000', id: repository.blob('a.txt'), name: 'link' };
    const program = { mode: '100755', id: repository.blob('#!/bin/sh\n'), name: 'run.sh' };
    const other = repository.tree([link, program]);
    repository.commit(other, 'other/branch');
    repository.git(['tag', '-a', '-m', 'x', 'v1', first]);
    repository.git(['update-ref', 'refs/pull/7/head', first]);
    server.repository('empty');
  });
  afterAll(() => server.close());
  beforeEach(() => {
    scene = new Scene();
  });
  afterEach(() => scene.remove());

  test('has the files and the history of HEAD, one commit deep, on its branch', async () => {
    expect(await scene.fill({ url: url() })).toEqual({ commit: second });
    expect(read('a.txt')).toBe('two\r\n');
    expect(read('deep/ü b.txt')).toBe('deep\n');
    expect(git('status', '--porcelain')).toBe('');
    expect(git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(git('rev-list', '--all')).toBe(second);
    expect(git('config', 'remote.origin.url')).toBe(url());
    expect(readdirSync(scene.beside)).toEqual([]);
    expect(scene.logged).toEqual([]);
  });

  test('keeps links as text and programs as programs', async () => {
    await scene.fill({ url: url(), ref: 'other/branch' });
    expect(readlinkSync(join(scene.directory, 'link'))).toBe('a.txt');
    expect(lstatSync(join(scene.directory, 'run.sh')).mode & 0o777).toBe(0o755);
    expect(git('symbolic-ref', 'HEAD')).toBe('refs/heads/other/branch');
  });

  test.each(['v1', 'refs/tags/v1', 'refs/pull/7/head'])('is of the ref %s', async (ref) => {
    expect(await scene.fill({ url: url(), ref })).toEqual({ commit: first });
    expect(read('a.txt')).toBe('one\n');
    expect(git('status', '--porcelain')).toBe('');
  });

  test('is of a commit, in capitals too', async () => {
    expect(await scene.fill({ url: url(), ref: first.toUpperCase() })).toEqual({ commit: first });
    expect(read('a.txt')).toBe('one\n');
    expect(git('config', 'remote.origin.url')).toBe(url());
  });

  test('is of a commit that the server gives with its branch only', async () => {
    const old = server.repository('old');
    const commit = old.files({ a: '1' });
    old.files({ a: '2' });
    // Version 0 of the protocol asks for what is advertised.
    old.git(['config', 'uploadpack.allowTipSHA1InWant', 'false']);
    server.instead = (request) => {
      delete request.headers['git-protocol'];
      return false;
    };
    try {
      expect(await scene.fill({ url: `${server.origin}/old.git`, ref: commit })).toEqual({ commit });
      expect(read('a')).toBe('1');
      const absent = 'b'.repeat(40);
      scene.remove();
      scene = new Scene();
      expect(await scene.refusal({ url: `${server.origin}/old.git`, ref: absent })).toMatchObject({
        path: 'from.git.ref',
        words: expect.stringContaining(`there is no ${absent} in the repository`),
      });
    } finally {
      server.instead = null;
    }
  });

  test('is empty where the repository is', async () => {
    expect(await scene.fill({ url: `${server.origin}/empty.git` })).toEqual({ commit: null });
    expect(readdirSync(scene.directory)).toEqual(['.git']);
  });

  test('takes the place of an empty directory, and of no other', async () => {
    mkdirSync(scene.directory);
    await scene.fill({ url: url() });
    expect(read('a.txt')).toBe('two\r\n');
    await expect(scene.fill({ url: url() })).rejects.toThrow('ENOTEMPTY');
    expect(readdirSync(scene.beside)).toEqual([]);
  });

  test('tells nothing of this server, and runs nothing of it', async () => {
    const home = join(scene.root, 'home');
    mkdirSync(join(home, 'hooks'), { recursive: true });
    writeFileSync(join(home, 'hooks/post-checkout'), `#!/bin/sh\ntouch ${home}/ran\n`, { mode: 0o755 });
    writeFileSync(
      join(home, '.gitconfig'),
      `[core]\nhooksPath = ${home}/hooks\n[init]\ntemplateDir = ${home}\n`,
    );
    const before = { ...process.env };
    Object.assign(process.env, {
      HOME: home,
      GIT_CONFIG_GLOBAL: join(home, '.gitconfig'),
      GIT_TEMPLATE_DIR: home,
      http_proxy: 'http://127.0.0.1:9',
      ALL_PROXY: 'http://127.0.0.1:9',
      GIT_DIR: join(home, 'elsewhere'),
    });
    try {
      await scene.fill({ url: url() });
    } finally {
      for (const name of [
        'HOME',
        'GIT_CONFIG_GLOBAL',
        'GIT_TEMPLATE_DIR',
        'http_proxy',
        'ALL_PROXY',
        'GIT_DIR',
      ])
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
    }
    expect(existsSync(join(home, 'ran'))).toBe(false);
    expect(readdirSync(join(scene.directory, '.git'))).not.toContain('hooks');
    expect(readdirSync(join(scene.directory, '.git'))).not.toContain('logs');
    const kept = spawnSync('grep', ['-rlaF', '-e', `@${hostname()}`, '-e', scene.root, '.'], {
      cwd: scene.directory,
      encoding: 'utf8',
    });
    expect(kept).toMatchObject({ status: 1, stdout: '' });
  });

  test('comes from the very address that was judged: no resolver is asked again', async () => {
    const asked: string[] = [];
    const guard = addressGuard();
    // A name that no resolver knows: whoever asks one fails, and asked a second time ours leads elsewhere.
    const rebinding: typeof guard = {
      ...guard,
      lookup: (host, options, callback) => {
        asked.push(host);
        const address = asked.length === 1 ? '127.0.0.1' : '127.0.0.9';
        if (options.all) callback(null, [{ address, family: 4 }]);
        else callback(null, address, 4);
      },
    };
    const named = `http://Rebinding.Invalid.:${server.port}/project.git`;
    expect(await scene.fill({ url: named }, { guard: rebinding })).toEqual({ commit: second });
    expect(asked).toEqual(['rebinding.invalid']);
    expect(server.seen.at(-1)?.headers.host).toBe(`rebinding.invalid:${server.port}`);
  });

  test('comes one at a time to one place, and few at once to all', async () => {
    let now = 0;
    let most = 0;
    server.instead = (_, response) => {
      most = Math.max(most, ++now);
      response.on('close', () => now--);
      return false;
    };
    try {
      const source = scene.source({ most: 2 });
      const place = { beside: scene.beside, maxBytes: 1e9, signal: new AbortController().signal, log() {} };
      const to = (name: string) =>
        source.fill({ url: url() }, { ...place, directory: join(scene.root, name) });
      const filled = await Promise.allSettled([to('1'), to('2'), to('3'), to('4'), to('1')]);
      expect(filled.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), 'rejected']);
      expect(most).toBeLessThanOrEqual(2);
    } finally {
      server.instead = null;
    }
  });
});
