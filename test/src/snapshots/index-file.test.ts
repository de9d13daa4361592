import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { FileIndex } from '../../../src/snapshots/index-file.ts';
import { TreeRoom } from '../../helpers/tree-room.ts';

/** Takes what is kept away behind the server's back: a capture that reads a file puts its content there again. */
function forget(room: TreeRoom): void {
  for (const hash of room.contents()) fs.rmSync(room.contentPath(hash), { force: true });
}

const hashOf = async (room: TreeRoom, path: string): Promise<string> => {
  const { digest } = await room.hands.capture(room.job);
  const listed = (await room.list(digest)).find((each) => each.path === path);
  return listed?.type === 'file' ? listed.sha256 : '';
};

test('nothing is read of a tree that did not change, and only what changed of another', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/x': 'one', 'a/y': 'two', 'b/z': 'three', c: 'four' });
  const first = await room.hands.capture(room.job);
  const index = fs.statSync(room.index);
  forget(room);
  const second = await room.hands.capture(room.job);
  expect(second).toEqual(first);
  expect(room.contents()).toEqual([first.digest]);
  expect(fs.statSync(room.index).ino).toBe(index.ino);

  fs.rmSync(room.at('a/x'));
  room.fill({ 'a/x2': 'news', 'b/z': 'THREE' });
  fs.chmodSync(room.at('c'), 0o600);
  forget(room);
  const third = await room.hands.capture(room.job);
  expect(third.files).toBe(4);
  expect(room.contents()).toHaveLength(4); // c has another state, though the same bytes
  forget(room);
  expect(await room.hands.capture(room.job)).toEqual(third);
  expect(room.contents()).toEqual([third.digest]);
});

test('a capture of a part keeps what is known of the rest', async () => {
  await using room = new TreeRoom();
  room.fill({ 'a/x': 'one', 'b/y': 'two' });
  const whole = await room.hands.capture(room.job);
  room.fill({ 'a/x': 'ONE' });
  await room.hands.capture({ ...room.job, keep: ['a'] });
  forget(room);
  const again = await room.hands.capture(room.job);
  expect(again.digest).not.toBe(whole.digest);
  expect(room.contents()).toEqual([again.digest]);
});

test('it never lies: rewritten in place with the same size and the old time, also at the moment of the capture', async () => {
  await using room = new TreeRoom();
  room.fill({ f: '0000' });
  const rewrite = (text: string): void => {
    const { atime, mtime } = fs.statSync(room.at('f'));
    fs.writeFileSync(room.at('f'), text, { flag: 'r+' });
    fs.utimesSync(room.at('f'), atime, mtime);
  };
  const seen: string[] = [];
  for (let at = 1; at <= 30; at++) {
    seen.push(await hashOf(room, 'f'));
    rewrite(String(at).padStart(4, '0'));
  }
  expect(new Set(seen).size).toBe(30);
});

test('what comes into a directory, goes or gets another name is seen, also at the moment of the capture', async () => {
  await using room = new TreeRoom();
  room.fill({ 'd/e/first': '', 'd/still/f': '', 'empty/': '' });
  const expected = new Set(['d', 'd/e', 'd/e/first', 'd/still', 'd/still/f', 'empty']);
  const paths = async (): Promise<string[]> => {
    const { digest } = await room.hands.capture(room.job);
    return (await room.list(digest)).map(({ path }) => path).sort();
  };
  for (let at = 0; at < 12; at++) {
    expect(await paths()).toEqual([...expected].sort());
    const { atime, mtime } = fs.statSync(room.at('d/e'));
    const [now = ''] = fs.readdirSync(room.at('d/e'));
    fs.renameSync(room.at(`d/e/${now}`), room.at(`d/e/n${at}`));
    fs.utimesSync(room.at('d/e'), atime, mtime);
    expected.delete(`d/e/${now}`);
    expected.add(`d/e/n${at}`);
    expect(await paths()).toEqual([...expected].sort());
    fs.symlinkSync('to', room.at(`empty/${at}`));
    expected.add(`empty/${at}`);
    if (at % 3 > 0) {
      fs.rmSync(room.at(`empty/${at - 1}`));
      expected.delete(`empty/${at - 1}`);
    }
  }
});

test('directories with names that are not plain are read each time', async () => {
  await using room = new TreeRoom();
  room.fill({ 'd/\ud83d\ude00': '', 'd/\uffee': '', 'e/f': '' });
  fs.writeFileSync(Buffer.from(`${room.at('d/')}\xff`, 'latin1'), 'x');
  const first = await room.hands.capture(room.job);
  expect(first.omitted).toEqual([{ path: 'd/\ufffd', reason: 'its name is not UTF-8' }]);
  expect(await room.hands.capture(room.job)).toEqual(first);
});

test('a file that takes the place of another with the same size and time is read', async () => {
  await using room = new TreeRoom();
  room.fill({ f: 'old' });
  const old = await hashOf(room, 'f');
  const { atime, mtime } = fs.statSync(room.at('f'));
  fs.writeFileSync(`${room.base}/other`, 'new');
  fs.utimesSync(`${room.base}/other`, atime, mtime);
  fs.renameSync(`${room.base}/other`, room.at('f'));
  expect(await hashOf(room, 'f')).not.toBe(old);
});

test('one that is torn, of another tree, or no index is not believed', async () => {
  await using room = new TreeRoom();
  room.fill({ a: 'one', b: 'two' });
  const { digest } = await room.hands.capture(room.job);
  const whole = fs.readFileSync(room.index);
  const flipped = Buffer.from(whole);
  flipped.writeUInt8(flipped.readUInt8(whole.length - 10) ^ 1, whole.length - 10);
  const later = Buffer.from(whole.toString('latin1').replace('"version":2', '"version":9'), 'latin1');
  for (const bytes of [whole.subarray(0, -1), whole.subarray(0, 20), Buffer.alloc(0), flipped, later]) {
    fs.writeFileSync(room.index, bytes);
    forget(room);
    expect((await room.hands.capture(room.job)).digest).toBe(digest);
    expect(room.contents()).toHaveLength(3);
  }
  // The control: a whole one is.
  fs.writeFileSync(room.index, whole);
  forget(room);
  await room.hands.capture(room.job);
  expect(room.contents()).toEqual([digest]);
  // The same files in another directory.
  fs.renameSync(room.root, `${room.base}/moved`);
  fs.mkdirSync(room.root);
  for (const name of ['a', 'b']) fs.renameSync(`${room.base}/moved/${name}`, room.at(name));
  await sleep(20);
  forget(room);
  await room.hands.capture(room.job);
  expect(room.contents()).toHaveLength(3);
});

test('what was swept is kept anew, though the tree did not change', async () => {
  await using room = new TreeRoom();
  room.fill({ a: 'one', b: 'two' });
  const { digest } = await room.hands.capture(room.job);
  const kept = room.contents();
  expect(await room.hands.sweep(() => [])).toMatchObject({ removed: 3 });
  expect(room.contents()).toEqual([]);
  expect((await room.hands.capture(room.job)).digest).toBe(digest);
  expect(room.contents()).toEqual(kept);
});

test('two threads that write the index of one tree at once are not in the way of each other', async () => {
  await using room = new TreeRoom();
  const write = `
    import { IndexWriter } from ${JSON.stringify(new URL('../../../src/snapshots/index-file.ts', import.meta.url))};
    const writer = new IndexWriter();
    for (let at = 0; at < 500; at++) writer.add('f' + at, { ino: at, size: 1, mtimeMs: 1, ctimeMs: 1 }, '0'.repeat(64));
    for (let round = 0; round < 300; round++)
      writer.write(${JSON.stringify(room.index)}, ${JSON.stringify(room.root)}, 'stamp');`;
  const writing = Array.from({ length: 2 }, () =>
    once(new Worker(new URL(`data:text/javascript,${encodeURIComponent(write)}`)), 'exit'),
  );
  expect(await Promise.all(writing)).toEqual([[0], [0]]);
  expect(FileIndex.read(room.index, room.root).files).toBe(500);
  expect(fs.readdirSync(room.base).filter((name) => name.startsWith('index'))).toEqual(['index']);
});
