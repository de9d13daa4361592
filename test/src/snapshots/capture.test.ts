import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { identityOf } from '../../../src/disk/private-view.ts';
import { NoDirectory } from '../../../src/files/walk.ts';
import { TreeRoom } from '../../helpers/tree-room.ts';

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

test('files, permissions, links and empty directories are listed in order, and the digest is the hash of the list', async () => {
  await using room = new TreeRoom();
  room.fill({ 'b/x': 'x', 'b.txt': 'dot comes before the slash', 'b/deep/er/y': '', 'empty/': '', a: 'one' });
  fs.chmodSync(room.at('a'), 0o4755);
  fs.chmodSync(room.at('empty'), 0o1711);
  fs.symlinkSync('/etc/passwd', room.at('out'));
  fs.symlinkSync('../..', room.at('b/up'));
  const captured = await room.hands.capture(room.job);
  expect(await room.list(captured.digest)).toEqual([
    { path: 'a', type: 'file', mode: 0o755, size: 3, sha256: sha256('one') },
    { path: 'b', type: 'directory', mode: 0o755 },
    { path: 'b/deep', type: 'directory', mode: 0o755 },
    { path: 'b/deep/er', type: 'directory', mode: 0o755 },
    { path: 'b/deep/er/y', type: 'file', mode: 0o644, size: 0, sha256: sha256('') },
    { path: 'b/up', type: 'link', target: '../..' },
    { path: 'b/x', type: 'file', mode: 0o644, size: 1, sha256: sha256('x') },
    { path: 'b.txt', type: 'file', mode: 0o644, size: 26, sha256: sha256('dot comes before the slash') },
    { path: 'empty', type: 'directory', mode: 0o711 },
    { path: 'out', type: 'link', target: '/etc/passwd' },
  ]);
  expect(captured).toEqual({ digest: captured.digest, files: 4, bytes: 30, omitted: [] });
  const list = fs.readFileSync(room.contentPath(captured.digest));
  expect(sha256(list)).toBe(captured.digest);
  expect(list.toString().split('\n')[0]).toBe(JSON.stringify(['a', 'f', '0755', 3, sha256('one')]));
  expect(fs.statSync(room.contentPath(sha256('x'))).mode & 0o777).toBe(0o400);
});

test('large files are kept whole, and what is the same is kept once', async () => {
  await using room = new TreeRoom();
  const large = Buffer.alloc(5_000_001, 'abcdefg');
  room.fill({ 'one/': '', 'two/': '' });
  fs.writeFileSync(room.at('one/large'), large);
  fs.writeFileSync(room.at('two/large'), large);
  const { digest } = await room.hands.capture(room.job);
  expect(room.contents()).toEqual([digest, sha256(large)].sort());
  expect(fs.readFileSync(room.contentPath(sha256(large))).equals(large)).toBe(true);
  expect(fs.readdirSync(join(room.data, 'contents/new'))).toEqual([]);
});

test('the same content has the same digest in another place, at another time, under another index', async () => {
  await using one = new TreeRoom();
  await using other = new TreeRoom();
  const files = {
    'a/b': 'x',
    'ü/😀': 'names',
    '\uffee': 'behind surrogates in UTF-16, before them in UTF-8',
  };
  one.fill(files);
  await sleep(20);
  other.fill(files);
  const { digest } = await one.hands.capture(one.job);
  expect((await other.hands.capture({ ...other.job, index: null })).digest).toBe(digest);
  expect((await one.list(digest)).map(({ path }) => path)).toEqual(
    ['a', 'a/b', 'ü', 'ü/😀', '\uffee'].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))),
  );
});

test('what is no file, directory or link, has no name in UTF-8 or is the server’s own is left out by name', async () => {
  await using room = new TreeRoom();
  room.fill({ kept: 'x' });
  const secret = join(room.base, 'secret');
  fs.writeFileSync(secret, 'the key');
  fs.linkSync(secret, room.at('hard'));
  spawnSync('mkfifo', [room.at('fifo')]);
  const server = createServer().listen(room.at('socket'));
  await new Promise((listening) => server.once('listening', listening));
  fs.writeFileSync(Buffer.from(`${room.at('bad')}\xff`, 'latin1'), 'x');
  fs.symlinkSync(Buffer.from('to\xff', 'latin1'), room.at('link'));
  const seen = {
    ...room.job.seen,
    identities: new Map([[identityOf(fs.statSync(secret)), secret]]),
  };
  try {
    const { digest, omitted } = await room.hands.capture({ ...room.job, seen });
    expect((await room.list(digest)).map(({ path }) => path)).toEqual(['kept']);
    expect(omitted.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'bad\ufffd', reason: 'its name is not UTF-8' },
      { path: 'fifo', reason: 'a FIFO' },
      { path: 'hard', reason: 'holds the data of the server' },
      { path: 'link', reason: 'a link whose text is not UTF-8' },
      { path: 'socket', reason: 'a socket' },
    ]);
    expect(room.contents()).not.toContain(sha256('the key'));
  } finally {
    server.close();
  }
});

test('of many that are left out the first 1000 are told, the others counted', async () => {
  await using room = new TreeRoom();
  for (let at = 0; at < 1005; at++) fs.writeFileSync(Buffer.from(`${room.at(`n${at}`)}\xff`, 'latin1'), '');
  const { omitted } = await room.hands.capture(room.job);
  expect(omitted).toHaveLength(1001);
  expect(omitted.at(-1)).toEqual({ path: '', reason: '5 more were left out' });
});

test('keep and ignore', async () => {
  await using room = new TreeRoom();
  room.fill({
    ...{ 'src/a.ts': '', 'src/a.pyc': '', 'src/.hidden': '', 'src/no/b.txt': '' },
    ...{ 'venv/x.ts': '', 'docs/deep/c.ts': '', 'none/d.txt': '', 'e.ts': '' },
  });
  const paths = async (of: { keep?: string[]; ignore?: string[] }): Promise<string[]> => {
    const { digest } = await room.hands.capture({ ...room.job, ...of });
    return (await room.list(digest)).map(({ path }) => path);
  };
  expect(await paths({ keep: ['**/*.ts'], ignore: ['venv'] })).toEqual([
    ...['docs', 'docs/deep', 'docs/deep/c.ts', 'e.ts', 'src', 'src/a.ts'],
  ]);
  // A directory is kept with all that is in it.
  expect(await paths({ keep: ['src'], ignore: ['**/*.pyc'] })).toEqual([
    ...['src', 'src/.hidden', 'src/a.ts', 'src/no', 'src/no/b.txt'],
  ]);
  expect(await paths({ keep: ['nothing'] })).toEqual([]);
  expect(await paths({ ignore: ['*/*', 'e.ts'] })).toEqual(['docs', 'none', 'src', 'src/.hidden', 'venv']);
  await expect(paths({ ignore: ['ok', '/abs'] })).rejects.toMatchObject({
    code: 'invalid_field',
    errors: [{ path: 'ignore.1', message: 'the pattern is absolute' }],
  });
});

test('a file that goes on changing is whole or left out', async () => {
  await using room = new TreeRoom();
  const whole = (letter: string): string => letter.repeat(3_000_000);
  room.fill({ changing: whole('a'), still: 'x' });
  const writer = new AbortController();
  const writing = (async () => {
    const fd = fs.openSync(room.at('changing'), 'r+');
    for (let at = 0; !writer.signal.aborted; at++) {
      fs.writeSync(fd, String.fromCharCode(97 + (at % 26)).repeat(1000), (at * 997) % 2_999_000);
      if (at % 20 === 0) await new Promise((turn) => setImmediate(turn));
    }
    fs.closeSync(fd);
  })();
  const { digest, omitted } = await room.hands.capture(room.job);
  writer.abort();
  await writing;
  const told = [...(await room.list(digest)).map(({ path }) => path), ...omitted.map(({ path }) => path)];
  expect(told.sort()).toEqual(['changing', 'still']);
  for (const { reason } of omitted) expect(reason).toBe('went on changing while it was read');
  // Whatever is kept has the hash that it is kept under.
  for (const hash of room.contents()) expect(sha256(fs.readFileSync(room.contentPath(hash)))).toBe(hash);
});

test('without privileges directories that nobody may read are opened for their owner, files are left out', async () => {
  await using room = new TreeRoom();
  const root = process.getuid?.() === 0;
  if (root) for (const path of [room.base, room.root, room.data]) fs.chownSync(path, 65534, 65534);
  if (root) process.seteuid?.(65534);
  try {
    room.fill({ 'closed/in/file': 'x', 'closed/beside': 'y', unreadable: 'z', 'half/file': 'w' });
    fs.chmodSync(room.at('closed/in'), 0o111);
    fs.chmodSync(room.at('closed'), 0);
    fs.chmodSync(room.at('half'), 0o444);
    fs.chmodSync(room.at('unreadable'), 0o200);
    const { digest, omitted } = await room.hands.capture(room.job);
    expect(omitted).toEqual([{ path: 'unreadable', reason: 'not readable: permission denied' }]);
    expect((await room.list(digest)).map(({ path }) => path)).toEqual([
      ...['closed', 'closed/beside', 'closed/in', 'closed/in/file', 'half', 'half/file'],
    ]);
    expect(fs.statSync(room.at('closed')).mode & 0o777).toBe(0);
    expect(fs.statSync(room.at('half')).mode & 0o777).toBe(0o444);
    expect(await room.hands.count(room.job)).toEqual({ files: 4, bytes: 4 });
    // And they come back as they were, into an emptied tree and into one that is there.
    fs.chmodSync(room.at('closed'), 0o700);
    fs.rmSync(room.at('closed/beside'));
    fs.chmodSync(room.at('closed'), 0);
    await room.restore(digest);
    expect((await room.hands.capture(room.job)).digest).toBe(digest);
    fs.chmodSync(room.at('closed'), 0o700);
    fs.chmodSync(room.at('closed/in'), 0o700);
    fs.rmSync(room.at('closed'), { recursive: true });
    await room.restore(digest);
    expect((await room.hands.capture(room.job)).digest).toBe(digest);
    const to = join(room.base, 'copy');
    expect(await room.hands.copy({ ...room.job, to })).toEqual({ files: 3, bytes: 3 });
    expect((await room.hands.capture({ ...room.job, index: null, root: to })).digest).toBe(digest);
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('a tree that is deeper than the server opens is left out from there on', async () => {
  await using room = new TreeRoom();
  room.fill({ [`${'d/'.repeat(300)}f`]: 'x' });
  const { digest, omitted } = await room.hands.capture(room.job);
  expect(omitted).toEqual([
    { path: Array(257).fill('d').join('/'), reason: 'too many directories around it' },
  ]);
  expect(await room.list(digest)).toHaveLength(256);
});

test('what is no directory, or a link to one, is told', async () => {
  await using room = new TreeRoom();
  room.fill({ file: 'x' });
  await expect(room.hands.capture({ ...room.job, root: room.at('none') })).rejects.toThrow(NoDirectory);
  fs.symlinkSync(room.root, join(room.base, 'link'));
  await expect(room.hands.capture({ ...room.job, root: join(room.base, 'link') })).rejects.toThrow(
    NoDirectory,
  );
});

test('a capture that is given up says so, and leaves nothing in the making', async () => {
  await using room = new TreeRoom();
  for (let at = 0; at < 2000; at++) room.fill({ [`f${at}`]: `${at}` });
  const stop = new AbortController();
  const capturing = room.hands.capture(room.job, stop.signal);
  stop.abort(new Error('enough'));
  await expect(capturing).rejects.toThrow('enough');
  await expect(room.hands.capture(room.job, stop.signal)).rejects.toThrow('enough');
  expect((await room.hands.capture(room.job)).files).toBe(2000);
  expect(fs.readdirSync(join(room.data, 'contents/new'))).toEqual([]);
});

test('with fsync all of it is there too', async () => {
  await using room = new TreeRoom({ fsync: true });
  room.fill({ 'a/b': 'x', c: 'y' });
  const { digest } = await room.hands.capture(room.job);
  expect(room.contents()).toEqual([digest, sha256('x'), sha256('y')].sort());
});
