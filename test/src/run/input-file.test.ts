import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { feedStdin } from '../../../runners/docker/stdin.ts';
import { fileAt, fileBody } from '../../../runners/wire/body.ts';
import type { RunContext } from '../../../src/contract/context.ts';
import { Rejected } from '../../../src/contract/outcome.ts';
import { PrivatePlaces } from '../../../src/disk/private-places.ts';
import { openInput } from '../../../src/run/input-file.ts';
import { openStdin } from '../../../src/supervisor/spawn/stdin.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), `runwire-input-${randomUUID()}-`));
  path = join(dir, 'input');
  writeFileSync(path, 'meant');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The name leads to another file from now on. */
function swap(target: string): void {
  symlinkSync(target, `${path}.link`);
  renameSync(`${path}.link`, path);
}

/** Descriptors of this process on a file. */
function openOn({ dev, ino }: { dev: number; ino: number }): number {
  return readdirSync('/proc/self/fd').filter((name) => {
    try {
      const stats = fstatSync(Number(name));
      return stats.dev === dev && stats.ino === ino;
    } catch {
      return false; // that of this very listing
    }
  }).length;
}

/** What a kind reads of its input when the name leads to a file of the server by then. */
async function readAfterSwap(read: (ctx: RunContext) => Promise<string>): Promise<string> {
  const file = statSync(path);
  let got = '';
  await using server = buildEngine({
    runners: [
      scripted(async (ctx) => {
        swap(join(server.dataDir, 'callback.key'));
        expect(readFileSync(path, 'utf8')).toBe('key of the server');
        expect(openOn(file)).toBe(1);
        got = await read(ctx);
        return exited();
      }),
    ],
  });
  writeFileSync(join(server.dataDir, 'callback.key'), 'key of the server');
  const record = await server.run({ runtime_kind: 'scripted', input_payload_path: path });
  expect(record).toMatchObject({ status: 'succeeded' });
  await expect.poll(() => openOn(file), { timeout: 20_000 }).toBe(0);
  return got;
}

describe('what is no file with a length of its own', () => {
  const ran = vi.fn();
  const reject = async (name: string) => {
    ran.mockReset();
    await using server = buildEngine({
      runners: [
        scripted(async () => {
          ran();
          return exited();
        }),
      ],
    });
    const record = await server.run({
      ...{ runtime_kind: 'scripted', working_directory: dir, input_payload_path: name },
    });
    expect(ran).not.toHaveBeenCalled();
    expect(record.status).toBe('rejected');
    return record.result?.error_summary?.replace(/: \/.*/, '');
  };

  test.each([
    '/proc/self/environ',
    '/proc/thread-self/environ',
    '/proc/self/task/../environ',
    '/proc/self/cmdline',
    '/proc/self/mem',
    '/proc/self/maps',
    `/proc/${process.ppid}/environ`,
    '/proc/meminfo',
    '/proc/sys/kernel/hostname',
  ])('%s is refused by every kind, and so is a link to it', async (path) => {
    const words = 'input_payload_path is a file of /proc, which has no content of its own';
    expect(await reject(path)).toBe(words);
    symlinkSync(path, join(dir, 'link'));
    expect(await reject('link')).toBe(words);
  });

  test('nor is one waited for', async () => {
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    const socket = createServer().listen(join(dir, 'socket'));
    await once(socket, 'listening');
    symlinkSync('/dev/zero', join(dir, 'zero'));
    const words = 'input_payload_path is not a regular file';
    for (const name of ['fifo', 'socket', 'zero', '.', '/dev/tty', '/dev/random', '/proc/self/fd/0'])
      expect(await reject(name)).toBe(words);
    socket.close();
  });

  const hiding = ['/sys/fs/cgroup/cgroup.controllers', '/sys/fs/cgroup/memory/memory.stat'].find(
    (place) => existsSync(place) && statSync(place).size === 0 && readFileSync(place).length > 0,
  );
  test.skipIf(hiding === undefined)(
    'one whose size says 0 though something is in it is refused',
    async () => {
      expect(await reject(hiding ?? '')).toBe('input_payload_path has more bytes than its size says');
    },
  );
});

test('what calls others by HTTP sends the file that was judged, at every attempt', async () => {
  const got = await readAfterSwap(async ({ inputPath }) => {
    const { content } = fileBody(fileAt(inputPath ?? ''), 'raw');
    if (typeof content !== 'function') throw new Error('no stream');
    const sent: string[] = [];
    for (let attempt = 0; attempt < 2; attempt++)
      for await (const chunk of content()) sent.push(String(chunk));
    return sent.join(' ');
  });
  expect(got).toBe('meant meant');
});

test('a container is fed the file that was judged', async () => {
  const got = await readAfterSwap(async (ctx) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const socket = createConnection(port, '127.0.0.1');
    const [other] = await once(server, 'connection');
    feedStdin(socket, ctx);
    let text = '';
    for await (const chunk of other) text += chunk;
    server.close();
    return text;
  });
  expect(got).toBe('meant');
});

test('the supervisor refuses what is not the file that was judged', async () => {
  const got = await readAfterSwap(async ({ inputFile }) => {
    if (inputFile === null) throw new Error('no file');
    try {
      openStdin({ kind: 'file', ...inputFile }, dir).close();
      return 'opened';
    } catch (error) {
      return (error as Error).message;
    }
  });
  expect(got).toBe(`input_payload_path was replaced before it was opened: ${path}`);
});

test('the supervisor opens the file that is meant, and waits for nothing that took its name', () => {
  const { dev, ino } = statSync(path, { bigint: true });
  const meant = { kind: 'file' as const, path, dev: String(dev), ino: String(ino) };
  const { source, close } = openStdin(meant, dir);
  expect(readFileSync(source as number, 'utf8')).toBe('meant');
  close();
  rmSync(path);
  mkdirSync(path);
  expect(() => openStdin(meant, dir)).toThrow('was replaced');
  // Of an earlier server, which says no more than a path.
  expect(() => openStdin({ kind: 'file', path }, dir)).toThrow('was replaced');
});

test('a file is judged by what was opened: a link that came after the look at its path gives nothing away', () => {
  const data = join(dir, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'callback.key'), 'key');
  const view = new PrivatePlaces(data).look(null);
  const judge = (_real: string, isPrivate: boolean) => {
    if (isPrivate) throw new Rejected('private');
  };
  const input = openInput(path, judge, view);
  expect(readFileSync(input.path, 'utf8')).toBe('meant');
  input.close();
  input.close();
  swap(join(data, 'callback.key'));
  const key = statSync(path);
  expect(() => openInput(path, judge, view)).toThrow(Rejected);
  expect(() => openInput(data, judge, view)).toThrow('is not a regular file');
  expect(openOn(key)).toBe(0);
});
