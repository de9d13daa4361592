import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { remove } from '../../../src/files/remove.ts';
import { requires } from '../../helpers/require.ts';
import { TreeRoom } from '../../helpers/tree-room.ts';

async function snapshot(room: TreeRoom): Promise<string> {
  return (await room.hands.capture({ ...room.job, index: null })).digest;
}

test('exact: all is as it was, and what is the same is not touched', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/same': 'x', 'a/changed': 'old', 'a/gone/deep/f': 'y', 'b/f': 'z', mode: 'm', 'empty/': '' });
  fs.symlinkSync('/outside', room.at('link'));
  const captured = await room.hands.capture(room.job);
  const before = { root: fs.statSync(room.root).ino, same: fs.statSync(room.at('a/same')) };

  fs.writeFileSync(room.at('a/changed'), 'new');
  fs.rmSync(room.at('a/gone'), { recursive: true });
  fs.rmSync(room.at('empty'), { recursive: true });
  fs.chmodSync(room.at('mode'), 0o4711);
  fs.chmodSync(room.at('b'), 0o700);
  fs.rmSync(room.at('link'));
  fs.symlinkSync('/elsewhere', room.at('link'));
  room.fill({ 'new/f': '', 'b/g': '' });
  spawnSync('mkfifo', [room.at('b/fifo')]);
  fs.writeFileSync(Buffer.from(`${room.at('b/')}\xff`, 'latin1'), 'x');

  expect(await room.restore(captured.digest)).toEqual({ files: 5, bytes: 7 });
  expect(await snapshot(room)).toBe(captured.digest);
  expect(fs.readdirSync(room.at('b'))).toEqual(['f']);
  expect(fs.statSync(room.at('mode')).mode & 0o7777).toBe(0o644);
  expect(fs.statSync(room.root).ino).toBe(before.root);
  const same = fs.statSync(room.at('a/same'));
  expect([same.ino, same.mtimeMs, same.ctimeMs]).toEqual([
    ...[before.same.ino, before.same.mtimeMs, before.same.ctimeMs],
  ]);
  expect(fs.readdirSync(join(room.beside, 'restore'), { recursive: true })).toEqual(['deep']);
});

test('overlay: what is not in the list stays', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/x': 'old', 'b/': '', c: 'c' });
  const { digest } = await room.hands.capture(room.job);
  fs.rmSync(room.at('c'));
  fs.rmSync(room.at('b'), { recursive: true });
  room.fill({ 'a/x': 'new', 'a/mine': '1', 'mine/y': '2', b: 'a file in the way', 'c/in/the/way': '' });
  await room.restore(digest, 'overlay');
  expect(fs.readdirSync(room.root, { recursive: true }).sort()).toEqual([
    ...['a', 'a/mine', 'a/x', 'b', 'c', 'mine', 'mine/y'],
  ]);
  expect(fs.readFileSync(room.at('a/x'), 'utf8')).toBe('old');
  expect(fs.readFileSync(room.at('c'), 'utf8')).toBe('c');
});

test('every type takes the place of every other', async () => {
  await using room = new TreeRoom();
  const outside = join(room.base, 'outside');
  fs.mkdirSync(outside);
  fs.writeFileSync(join(outside, 'f'), 'theirs');
  const types: Record<string, (path: string) => void> = {
    file: (path) => fs.writeFileSync(path, 'x'),
    directory: (path) => {
      fs.mkdirSync(join(path, 'in'), { recursive: true });
      fs.writeFileSync(join(path, 'in/f'), 'y');
    },
    link: (path) => fs.symlinkSync(outside, path),
    none: () => {},
    fifo: (path) => spawnSync('mkfifo', [path]),
  };
  const pairs = Object.keys(types).flatMap((one) => Object.keys(types).map((other) => [one, other]));
  for (const [one = '', other = ''] of pairs) types[one]?.(room.at(`${one}-${other}`));
  const { digest } = await room.hands.capture(room.job);
  fs.rmSync(room.root, { recursive: true });
  fs.mkdirSync(room.root);
  for (const [one = '', other = ''] of pairs) types[other]?.(room.at(`${one}-${other}`));
  await room.restore(digest);
  expect(await snapshot(room)).toBe(digest);
  expect(fs.readdirSync(outside)).toEqual(['f']);
  expect(fs.readFileSync(join(outside, 'f'), 'utf8')).toBe('theirs');
});

test('an index is no shorter way to something else: with and without one the tree becomes the same', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/x': 'one', 'a/y': 'two', b: 'three' });
  const first = await room.hands.capture(room.job);
  room.fill({ 'a/x': 'ONE', 'c/d': 'four' });
  fs.rmSync(room.at('b'));
  const second = await room.hands.capture(room.job);
  for (const [digest, index] of [
    [first.digest, room.index],
    [second.digest, room.index],
    [first.digest, null],
    [second.digest, room.index],
    [first.digest, room.index],
  ] as const) {
    await room.hands.restore({ ...room.job, index, beside: room.beside, digest, mode: 'exact' });
    expect((await room.hands.capture(room.job)).digest).toBe(digest);
    expect(await snapshot(room)).toBe(digest);
  }
  // Rewritten behind the index, with the old size and time.
  const { atime, mtime } = fs.statSync(room.at('a/y'));
  fs.writeFileSync(room.at('a/y'), 'TWO', { flag: 'r+' });
  fs.utimesSync(room.at('a/y'), atime, mtime);
  await room.restore(first.digest);
  expect(fs.readFileSync(room.at('a/y'), 'utf8')).toBe('two');
});

test('two names of one file whose permissions differ in the list', async () => {
  await using room = new TreeRoom();
  room.fill({ a: 'same', b: 'same' });
  fs.chmodSync(room.at('b'), 0o755);
  const { digest } = await room.hands.capture(room.job);
  fs.rmSync(room.at('b'));
  fs.linkSync(room.at('a'), room.at('b'));
  await room.restore(digest);
  expect(await snapshot(room)).toBe(digest);
});

test('until it is staged the tree is untouched, whatever becomes of it', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/x': 'old', b: 'old' });
  const { digest } = await room.hands.capture(room.job);
  room.fill({ 'a/x': 'new', c: 'new' });
  fs.rmSync(room.at('b'));
  const now = await snapshot(room);
  let staged = '';
  const refused = room.restore(digest, 'exact', async () => {
    staged = await snapshot(room);
    throw new Error('the intent cannot be stored');
  });
  await expect(refused).rejects.toThrow('the intent cannot be stored');
  expect([staged, await snapshot(room)]).toEqual([now, now]);

  // A content is not there.
  const { digest: other } = await room.hands.capture(room.job);
  for (const listed of await room.list(digest))
    if (listed.type === 'file') fs.rmSync(room.contentPath(listed.sha256), { force: true });
  await expect(room.restore(digest)).rejects.toThrow('a content of the tree is not there');
  expect(await snapshot(room)).toBe(other);
  await expect(room.restore('0'.repeat(64))).rejects.toThrow('the list of the snapshot is not there');
  expect(await snapshot(room)).toBe(other);
});

test('a directory in which a program works stays what it is', async () => {
  await using room = new TreeRoom();
  room.fill({ 'work/in/f': 'x' });
  const { digest } = await room.hands.capture(room.job);
  fs.rmSync(room.at('work/in/f'));
  const program = spawn('sh', ['-c', 'read line; cat f'], { cwd: room.at('work/in') });
  let output = '';
  program.stdout.on('data', (data) => {
    output += data;
  });
  await room.restore(digest);
  program.stdin.end('\n');
  await once(program, 'close');
  expect(output).toBe('x');
});

test('trees deeper than the server opens are removed', async () => {
  await using room = new TreeRoom();
  const { digest } = await room.hands.capture(room.job);
  room.fill({ [`${'d/'.repeat(400)}f`]: 'x', 'wide/e/f': '' });
  await room.restore(digest);
  expect(fs.readdirSync(room.root)).toEqual([]);
});

test('without privileges: read-only directories are written in, and are read-only again', async () => {
  await using room = new TreeRoom();
  const root = process.getuid?.() === 0;
  if (root) for (const path of [room.base, room.root, room.data]) fs.chownSync(path, 65534, 65534);
  if (root) process.seteuid?.(65534);
  try {
    room.fill({ 'ro/in/f': 'x', 'ro/g': 'y', 'gone/in/h': '' });
    fs.rmSync(room.at('gone'), { recursive: true });
    for (const path of ['ro/in', 'ro']) fs.chmodSync(room.at(path), 0o555);
    const { digest } = await room.hands.capture(room.job);
    for (const path of ['ro', 'ro/in']) fs.chmodSync(room.at(path), 0o755);
    room.fill({ 'ro/in/f': 'changed', 'ro/in/new': '', 'gone/in/h': '' });
    for (const path of ['ro/in', 'ro', 'gone/in', 'gone']) fs.chmodSync(room.at(path), 0o500);
    await room.restore(digest);
    expect(await snapshot(room)).toBe(digest);
    expect(fs.statSync(room.at('ro/in')).mode & 0o777).toBe(0o555);
    for (const path of ['ro', 'ro/in']) fs.chmodSync(room.at(path), 0o755);
    fs.rmSync(room.at('ro'), { recursive: true });
    await room.restore(digest);
    expect(await snapshot(room)).toBe(digest);
  } finally {
    for (const path of ['ro', 'ro/in']) fs.chmodSync(room.at(path), 0o755);
    if (root) process.seteuid?.(0);
  }
});

requires('mount', 'root')('What is mounted in a tree', () => {
  async function mounted(use: (room: TreeRoom, outside: string) => Promise<void>): Promise<void> {
    await using room = new TreeRoom();
    const outside = join(room.base, 'outside');
    fs.mkdirSync(outside);
    fs.writeFileSync(join(outside, 'precious'), 'x');
    room.fill({ 'a/f': '1', 'a/od d/': '' });
    expect(spawnSync('mount', ['--bind', outside, room.at('a/od d')]).status).toBe(0);
    try {
      await use(room, outside);
      expect(fs.readdirSync(outside)).toEqual(['precious']);
    } finally {
      spawnSync('umount', ['-l', room.at('a/od d')]);
    }
  }

  test.each(['exact', 'overlay'] as const)('is not of it: a restore (%s) changes nothing', async (mode) => {
    await mounted(async (room) => {
      spawnSync('umount', [room.at('a/od d')]);
      const captured = await room.hands.capture(room.job);
      room.fill({ 'a/new': '2' });
      spawnSync('mount', ['--bind', join(room.base, 'outside'), room.at('a/od d')]);
      let staged = false;
      const restoring = room.restore(captured.digest, mode, async () => {
        staged = true;
      });
      await expect(restoring).rejects.toMatchObject({
        code: 'file_conflict',
        message: expect.stringContaining('"a/od d" is used'),
      });
      expect([staged, fs.readdirSync(room.at('a'))]).toEqual([false, ['f', 'new', 'od d']]);
    });
  });

  test('is not removed with it', async () => {
    await mounted(async (room) => {
      const removing = () =>
        remove(
          room.at('a'),
          () => false,
          () => join(room.base, 'deep'),
        );
      expect(removing).toThrow(/EBUSY/);
    });
  });
});
