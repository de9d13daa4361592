import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparePaths } from '../../../src/snapshots/list.ts';
import { all, TreeRoom } from '../../helpers/tree-room.ts';

const TIME = new Date('2026-01-02T03:04:05Z');

test('a list is read as a directory is: entries from anywhere, one by its path, bytes', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/b/c': 'text', 'a/b.txt': 'dot', 'd/': '' });
  fs.symlinkSync('a', room.at('link'));
  const { digest } = await room.hands.capture(room.job);
  const entries = await all(room.hands.entries(digest, TIME));
  expect(entries.map(({ path, type }) => `${type} ${path}`)).toEqual([
    ...['directory a', 'directory a/b', 'file a/b/c', 'file a/b.txt', 'directory d', 'link link'],
  ]);
  const file = await room.hands.find(digest, TIME, ['a', 'b', 'c']);
  expect(file?.stats).toEqual({ mode: 0o100644, size: 4, mtime: TIME, mtimeMs: TIME.getTime() });
  const fd = file?.open() ?? -1;
  expect(fs.readFileSync(fd, 'utf8')).toBe('text');
  fs.closeSync(fd);
  expect(await room.hands.find(digest, TIME, ['link'])).toMatchObject({ type: 'link', target: 'a' });
  for (const none of [['b'], ['a', 'b', 'c', 'd'], ['a', 'b', 'd'], ['zz'], ['!']])
    expect(await room.hands.find(digest, TIME, none)).toBe(null);
  expect(room.hands.content('0'.repeat(64))).toBe(null);
  expect(room.hands.content('../swept')).toBe(null);
  await expect(room.hands.find('0'.repeat(64), TIME, ['a'])).rejects.toThrow('is not there');
});

test('entries begin behind any path, one that is there or not', async () => {
  await using room = new TreeRoom();
  for (let at = 0; at < 150; at++) room.fill({ [`d${at % 13}/${'n'.repeat(at % 90)}${at}`]: '' });
  const { digest } = await room.hands.capture(room.job);
  const paths = (await room.list(digest)).map(({ path }) => path);
  const part = fc.stringMatching(/^[a-z0-9!~]{1,3}$/);
  const anywhere = fc.oneof(
    fc.constantFrom(...paths),
    fc.array(part, { minLength: 1 }).map((x) => x.join('/')),
  );
  await fc.assert(
    fc.asyncProperty(anywhere, async (after) => {
      const behind = await all(room.hands.entries(digest, TIME, after));
      expect(behind.map(({ path }) => path)).toEqual(paths.filter((path) => comparePaths(path, after) > 0));
      const found = await room.hands.find(digest, TIME, after.split('/'));
      expect(found?.path ?? null).toBe(paths.includes(after) ? after : null);
    }),
    { numRuns: 200 },
  );
});

test('a sweep takes what no list holds, and what was never whole; it says how much', async () => {
  await using room = new TreeRoom();
  room.fill({ a: 'one', b: 'two' });
  const first = await room.hands.capture(room.job);
  room.fill({ b: 'three' });
  const second = await room.hands.capture(room.job);
  fs.writeFileSync(join(room.data, 'contents/new/left'), 'over');
  const size = fs.statSync(room.contentPath(first.digest)).size;
  expect(await room.hands.sweep(() => [second.digest, 'f'.repeat(64)])).toEqual({
    ...{ removed: 3, bytes: 'two'.length + 'over'.length + size },
  });
  await room.restore(second.digest);
  expect((await room.hands.capture(room.job)).digest).toBe(second.digest);
  expect(await room.hands.sweep(() => [second.digest])).toEqual({ removed: 0, bytes: 0 });
});

test('nothing is swept that is held, captured or read, nor before it is stored; who comes meanwhile is let in', async () => {
  await using room = new TreeRoom();
  room.fill({ a: 'one' });
  const done: string[] = [];
  const stored: string[] = [];
  let capturing = (): void => {};
  const began = new Promise<void>((resolve) => {
    capturing = resolve;
  });
  const holding = room.hands.holding(async () => {
    capturing();
    await new Promise((turn) => setTimeout(turn, 20));
    // A sweep waits by now: this must not wait for it.
    stored.push((await room.hands.capture(room.job)).digest);
    done.push('stored');
  });
  await began;
  const sweeping = room.hands.sweep(() => {
    done.push('asked');
    return stored;
  });
  await Promise.all([holding, sweeping]);
  expect(done).toEqual(['stored', 'asked']);
  const [digest = ''] = stored;
  const reading = room.hands.listed(digest);
  await reading.next();
  const later = room.hands.sweep(() => []).then(() => done.push('swept'));
  expect((await room.hands.find(digest, TIME, ['a']))?.path).toBe('a');
  done.push('read');
  await reading.return(undefined);
  await later;
  expect(done.slice(2)).toEqual(['read', 'swept']);
  expect(room.contents()).toEqual([]);
});

test('copy: files with their times, links and directories; only into what is empty', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/x': 'one', 'empty/': '' });
  fs.writeFileSync(room.at('a/large'), Buffer.alloc(1_000_000, 'x'));
  fs.symlinkSync('/outside', room.at('link'));
  fs.utimesSync(room.at('a/x'), TIME, TIME);
  const to = join(room.base, 'made/copy');
  expect(await room.hands.copy({ ...room.job, to })).toEqual({ files: 2, bytes: 1_000_003 });
  const { digest } = await room.hands.capture(room.job);
  expect((await room.hands.capture({ ...room.job, index: null, root: to })).digest).toBe(digest);
  expect(fs.statSync(join(to, 'a/x')).mtimeMs).toBe(TIME.getTime());
  expect(fs.statSync(join(to, 'a/x')).nlink).toBe(1);
  await expect(room.hands.copy({ ...room.job, to })).rejects.toThrow('not empty');
  expect(await room.hands.count(room.job)).toEqual({ files: 2, bytes: 1_000_003 });
});

test('many jobs at once, and an end while they go on', async () => {
  const room = new TreeRoom();
  for (let at = 0; at < 500; at++) room.fill({ [`d${at % 20}/f${at}`]: `${at}` });
  const captures = await Promise.all(
    Array.from({ length: 6 }, () => room.hands.capture({ ...room.job, index: null })),
  );
  expect(new Set(captures.map(({ digest }) => digest)).size).toBe(1);
  const going = Array.from({ length: 4 }, () => room.hands.capture({ ...room.job, index: null }));
  const ended = Promise.allSettled(going);
  await room[Symbol.asyncDispose]();
  for (const each of await ended)
    if (each.status === 'rejected') expect(String(each.reason)).toMatch(/given up|shutting down/);
  await expect(room.hands.count(room.job)).rejects.toThrow('shutting down');
});

test('threads that do nothing keep no process alive', async () => {
  await using room = new TreeRoom();
  room.fill({ a: 'x' });
  const program = `
    import { Hands } from ${JSON.stringify(join(import.meta.dirname, '../../../src/snapshots/hands.ts'))};
    const seen = { roots: [], scratch: null, identities: new Map(), files: [] };
    const { files } = await new Hands(${JSON.stringify(room.data)}).count({ root: ${JSON.stringify(room.root)}, index: null, seen });
    console.log(files);
    process.on('exit', () => console.log('left'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  await once(child, 'close');
  expect(output).toBe('1\nleft\n');
});
