import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AssetRoom, type InTar } from '../../helpers/asset-room.ts';
import { modesIn, treeOf } from '../../helpers/tree-modes.ts';

const TREE: readonly InTar[] = [
  { name: 'bin/', mode: 0o750 },
  { name: 'bin/run', text: 'run', mode: 0o700 },
  { name: 'deep/er/file', text: 'deep', mode: 0o600 },
  { name: 'empty/', mode: 0o755 },
  { name: 'link', link: 'bin/run' },
  { name: 'secret', text: 's', mode: 0o400 },
];
const signal = new AbortController().signal;

test('a directory is made where it is asked for: writable, or without a write bit anywhere', async () => {
  await using room = new AssetRoom();
  const asset = await room.putTree('tree', TREE);
  await room.assets.putAt(asset, room.at('own'), { writable: true, signal });
  expect(treeOf(room.at('own'))).toEqual({
    ...{ '.': 0o755, bin: 0o750, 'bin/run': [0o700, 'run'], deep: 0o755, 'deep/er': 0o755 },
    ...{ 'deep/er/file': [0o600, 'deep'], empty: 0o755, link: 'bin/run', secret: [0o600, 's'] },
  });
  await room.assets.putAt(asset, room.at('fixed'), { writable: false, signal });
  const fixed = treeOf(room.at('fixed'));
  expect(Object.keys(fixed)).toEqual(Object.keys(treeOf(room.at('own'))));
  for (const mode of modesIn(fixed)) expect(mode & 0o222).toBe(0);
  expect(fixed).toMatchObject({ bin: 0o550, 'bin/run': [0o500, 'run'], secret: [0o400, 's'] });
});

test('a file is made where it is asked for, and what is done to it changes nothing that is kept', async () => {
  await using room = new AssetRoom();
  for (const bytes of ['', 'small', Buffer.alloc(3_000_000, 'x')]) {
    const asset = await room.put('file', bytes);
    const place = room.at(`own-${asset.version}`);
    await room.assets.putAt(asset, place, { writable: true, signal });
    expect([fs.statSync(place).mode & 0o777, hash('sha256', fs.readFileSync(place))]).toEqual([
      ...[0o644, asset.digest],
    ]);
    fs.appendFileSync(place, 'changed');
    await room.assets.putAt(asset, `${place}-2`, { writable: false, signal });
    expect([fs.statSync(`${place}-2`).mode & 0o777, hash('sha256', fs.readFileSync(`${place}-2`))]).toEqual([
      ...[0o444, asset.digest],
    ]);
  }
});

test('nothing is made for a signal that was aborted, and the reason is told', async () => {
  await using room = new AssetRoom();
  const asset = await room.putTree('tree', TREE);
  const reason = new Error('nobody wants it');
  const over = AbortSignal.abort(reason);
  await expect(room.assets.putAt(asset, room.at('own'), { writable: true, signal: over })).rejects.toBe(
    reason,
  );
  await expect(room.assets.prepared(asset, over)).rejects.toBe(reason);
  expect([fs.existsSync(room.at('own')), room.below('assets')]).toEqual([false, []]);
  // One that is aborted while it goes on.
  const later = new AbortController();
  const making = room.assets.prepared(asset, later.signal);
  later.abort(reason);
  await expect(making).rejects.toBe(reason);
  expect(fs.readFileSync(join(await room.assets.prepared(asset, signal), 'deep/er/file'), 'utf8')).toBe(
    'deep',
  );
});

test('what is to be mounted is made once, for anybody to read and nobody to write, and goes with the version', async () => {
  await using room = new AssetRoom();
  const asset = await room.putTree('tree', TREE);
  const same = await room.putTree('other', TREE);
  const places = await Promise.all([asset, same, asset].map((one) => room.assets.prepared(one, signal)));
  const [place = ''] = places;
  expect(new Set(places)).toEqual(new Set([join(room.dataDir, 'assets/trees', asset.digest)]));
  expect(treeOf(place)).toEqual({
    ...{ '.': 0o555, bin: 0o555, 'bin/run': [0o555, 'run'], deep: 0o555, 'deep/er': 0o555 },
    ...{ 'deep/er/file': [0o444, 'deep'], empty: 0o555, link: 'bin/run', secret: [0o444, 's'] },
  });
  const inode = fs.statSync(place).ino;
  expect(fs.statSync(await room.assets.prepared(asset, signal)).ino).toBe(inode);
  const file = await room.put('file', 'text');
  expect(fs.statSync(await room.assets.prepared(file, signal)).mode & 0o777).toBe(0o444);
  await room.assets.remove('tree');
  expect(fs.existsSync(place)).toBe(true);
  for (const name of ['other', 'file']) await room.assets.remove(name);
  await room.assets.close(); // waits for what is deleted behind
  expect(room.below('assets')).toEqual(['boot', 'gone', 'trees']);
});

test('a file with the bytes of the list of a directory is another asset than that', async () => {
  await using room = new AssetRoom();
  const tree = await room.putTree('tree', TREE);
  const list = fs.readFileSync(join(room.dataDir, 'contents', tree.digest.slice(0, 2), tree.digest));
  const file = await room.put('list', list);
  expect(file.digest).toBe(tree.digest);
  const made = [await room.assets.prepared(tree, signal), await room.assets.prepared(file, signal)];
  expect(made.map((place) => fs.statSync(place).isDirectory())).toEqual([true, false]);
  await room.assets.remove('tree');
  await room.assets.close();
  expect([fs.existsSync(made[0] ?? ''), fs.existsSync(made[1] ?? '')]).toEqual([false, true]);
});

test('a tar of it has its names below the prefix, for whoever unpacks it', async () => {
  await using room = new AssetRoom();
  const unpacked = async (asset: Parameters<typeof room.assets.pack>[0], to: string, writable: boolean) => {
    fs.mkdirSync(room.at(to));
    const pieces: Buffer[] = [];
    for await (const piece of room.assets.pack(asset, 'static/it', { writable }))
      pieces.push(piece as Buffer);
    execFileSync('tar', ['xp', '-C', room.at(to)], { input: Buffer.concat(pieces) });
    return room.at(`${to}/static/it`);
  };
  const tree = await room.putTree('tree', TREE);
  expect(treeOf(await unpacked(tree, 'own', true))).toMatchObject({
    ...{ '.': 0o777, 'bin/run': [0o777, 'run'], secret: [0o666, 's'], link: 'bin/run', empty: 0o777 },
  });
  const fixed = treeOf(await unpacked(tree, 'fixed', false));
  expect(fixed).toMatchObject({ '.': 0o555, 'bin/run': [0o555, 'run'], secret: [0o444, 's'] });
  const file = await room.put('file', 'text');
  expect(fs.readFileSync(await unpacked(file, 'file', false), 'utf8')).toBe('text');
});

test('what was prepared before the machine was started anew may be torn: it is prepared again', async () => {
  await using room = new AssetRoom();
  const asset = await room.putTree('tree', TREE);
  const place = await room.assets.prepared(asset, signal);
  // As a power cut leaves it.
  fs.chmodSync(join(place, 'bin/run'), 0o644);
  fs.truncateSync(join(place, 'bin/run'));
  const note = join(room.dataDir, 'assets/boot');
  const boot = fs.readFileSync(note, 'utf8');
  room.assets.begin();
  expect(fs.existsSync(place)).toBe(true);
  fs.writeFileSync(note, 'an earlier one');
  room.assets.begin();
  // Who asks before all is deleted finds none of it.
  expect(fs.existsSync(place)).toBe(false);
  expect(fs.readFileSync(join(await room.assets.prepared(asset, signal), 'bin/run'), 'utf8')).toBe('run');
  expect(fs.readFileSync(note, 'utf8')).toBe(boot);
});

test('a server that dies while it takes away what may be torn leaves it to the next', async () => {
  await using room = new AssetRoom();
  const place = await room.assets.prepared(await room.putTree('tree', TREE), signal);
  fs.writeFileSync(join(room.dataDir, 'assets/boot'), 'an earlier one');
  // It comes no further than to the first.
  const gone = join(room.dataDir, 'assets/gone');
  fs.rmSync(gone, { recursive: true, force: true });
  fs.writeFileSync(gone, '');
  room.assets.begin();
  await expect.poll(() => room.told).toHaveLength(1);
  expect(fs.existsSync(place)).toBe(true);
  fs.rmSync(gone);
  // Nor is it of this start when another is prepared.
  const other = await room.assets.prepared(await room.put('file', 'text'), signal);
  room.assets.begin();
  expect([fs.existsSync(place), fs.existsSync(other)]).toEqual([false, false]);
});

test('who is aborted while what was given up goes is told at once', async () => {
  await using room = new AssetRoom();
  const asset = await room.putTree('tree', TREE);
  const [first, second] = [new AbortController(), new AbortController()];
  const [given, reason] = [new Error('given up'), new Error('nobody wants it')];
  const making = room.assets.prepared(asset, first.signal);
  first.abort(given);
  await expect(making).rejects.toBe(given);
  // It comes when the first is being given up, and does not wait to be made another one.
  const waiting = room.assets.prepared(asset, second.signal);
  second.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await room.assets.close();
  expect(room.below('assets/trees')).toEqual([]);
});
