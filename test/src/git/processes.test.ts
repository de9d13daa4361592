import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runGit } from '../../../src/git/program.ts';
import { SmallDisk } from '../../faults/small-disk.ts';
import { type GitServer, gitServer } from '../../fixtures/git-server.ts';
import { commandLine, processesWith, until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { Scene } from './scene.ts';

const SECRET = 'a-secret-in-no-argument';

requires('git', 'linux')('The processes of git', () => {
  let server: GitServer;
  let scene: Scene;
  const url = (): string => `${server.origin}/large.git`;
  /** All of them, by what only they have in their command line. */
  const processes = (): number[] => [
    ...new Set([...processesWith(url()), ...processesWith(scene.root)].filter(isOfGit)),
  ];

  beforeAll(async () => {
    server = await gitServer();
    server.repository('large').files({ large: randomBytes(2_000_000) });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    scene = new Scene();
    server.seen.length = 0;
  });
  afterEach(() => {
    server.instead = null;
    scene.remove();
  });

  /** Sends some of the pack, and then nothing more. */
  function stall(): Promise<void> {
    const stalled = Promise.withResolvers<void>();
    server.instead = (request, response) => {
      if (!request.url?.endsWith('/git-upload-pack')) return false;
      const write = response.write.bind(response);
      let sent = 0;
      response.write = (chunk: Buffer) => {
        sent += chunk.length;
        if (sent > 500_000) stalled.resolve();
        return sent > 500_000 || write(chunk);
      };
      const end = response.end.bind(response);
      response.end = (() => (sent > 500_000 ? response : end())) as typeof response.end;
      return false;
    };
    return stalled.promise;
  }

  test('end with the signal, all of them, and nothing is left', async () => {
    const stalled = stall();
    const stop = new AbortController();
    const filled = scene.fill({ url: url() }, {}, { signal: stop.signal });
    filled.catch(() => {});
    await stalled;
    await until(() => processes().length >= 3, 'git and its helpers are there');
    stop.abort(new Error('no longer wanted'));
    await expect(filled).rejects.toThrow('no longer wanted');
    expect(processes()).toEqual([]);
    expect(readdirSync(scene.beside)).toEqual([]);
    expect(existsSync(scene.directory)).toBe(false);
  });

  test('end with the time', async () => {
    const stalled = stall();
    const refused = scene.refusal({ url: url() }, { timeoutSeconds: 2 });
    await stalled;
    expect((await refused).words).toContain('took longer than 2 s');
    expect(processes()).toEqual([]);
  });

  test('end with a server that is killed in the middle of a slow transfer', async () => {
    const stalled = stall();
    const like = spawn(process.execPath, [join(import.meta.dirname, 'server-like.ts'), url(), scene.root], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await stalled;
    await until(() => processes().length >= 3, 'git and its helpers are there');
    like.kill('SIGKILL');
    await until(() => processes().length === 0, 'nothing of git is left');
    expect(existsSync(scene.directory)).toBe(false);
    expect(readdirSync(scene.beside)).toEqual([expect.stringMatching(/^git-/)]);
  });

  test('show no secret in their arguments, and have nothing of our environment', async () => {
    const stalled = stall();
    const stop = new AbortController();
    process.env.RUNWIRE_TEST_OWN = 'of the server';
    const secrets = new Map([['s', { value: SECRET, hosts: null }]]);
    const filled = scene.fill({ url: url(), secret: 's' }, { secrets }, { signal: stop.signal });
    filled.catch(() => {});
    await stalled;
    await until(() => processes().length >= 3, 'git and its helpers are there');
    for (const pid of processes()) {
      const line = commandLine(pid).join(' ');
      expect(line).not.toContain(SECRET);
      expect(line).not.toContain(Buffer.from(`x-access-token:${SECRET}`).toString('base64'));
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('RUNWIRE_TEST_OWN');
    }
    delete process.env.RUNWIRE_TEST_OWN;
    stop.abort(new Error('enough'));
    await expect(filled).rejects.toThrow('enough');
  });

  test('are none where the signal has aborted already', async () => {
    const reason = new Error('before');
    await expect(scene.fill({ url: url() }, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.seen).toEqual([]);
    expect(readdirSync(scene.beside)).toEqual([]);
  });

  test('that others end are no success', async () => {
    const stalled = stall();
    const refused = scene.refusal({ url: url() });
    await stalled;
    await until(() => processes().some((pid) => commandLine(pid).includes('clone')), 'git is there');
    const clone = processes().find((pid) => commandLine(pid)[1] === 'clone');
    process.kill(clone as number, 'SIGKILL');
    expect((await refused).words).toContain('git was ended by signal 9');
    expect(processes()).toEqual([]);
  });
});

test('of errors longer than are kept no line is half there: in a half there may be half a secret', async () => {
  const script =
    "head -c 100000 /dev/zero | tr '\\0' x >&2; echo ' end of a secret' >&2; echo last >&2; exit 3";
  const { code, errors } = await runGit({
    git: '/bin/sh',
    arguments: ['-c', script],
    directory: '/',
    environment: { PATH: process.env.PATH ?? '' },
    limits: { fileBytes: Number.POSITIVE_INFINITY, memoryBytes: 2 ** 31 },
    signal: new AbortController().signal,
  });
  expect([code, errors]).toEqual([3, 'last\n']);
});

requires('git', 'mount')('A disk that becomes full', () => {
  describe.each([
    ['packs', () => ({ large: randomBytes(3_000_000) })],
    ['files', () => ({ large: Buffer.alloc(3_000_000, 'y') })],
  ])('while there come %s', (_, files) => {
    test('is told as such, and nothing is left', async () => {
      using disk = new SmallDisk(2_000_000);
      const server = await gitServer();
      const scene = new Scene();
      try {
        server.repository('large').files(files());
        mkdirSync(join(disk.path, 'beside'));
        const place = { directory: join(disk.path, 'tree'), beside: join(disk.path, 'beside') };
        expect(await scene.refusal({ url: `${server.origin}/large.git` }, {}, place)).toMatchObject({
          code: 'insufficient_storage',
          words: 'the disk of the server is full',
        });
        expect(readdirSync(disk.path)).toEqual(['beside']);
        expect(readdirSync(place.beside)).toEqual([]);
      } finally {
        scene.remove();
        await server.close();
      }
    });
  });
});

function isOfGit(pid: number): boolean {
  const line = commandLine(pid);
  return line.some((word) => word.includes('git')) && !line.some((word) => word.includes('server-like'));
}
