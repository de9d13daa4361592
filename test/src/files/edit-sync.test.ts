import fs, { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EditedTree, putFile, remove } from '../../../src/files/edit.ts';
import { unpackInto } from '../../../src/files/exchange.ts';

const { fsync, fsyncSync, renameSync } = fs;
const caps = { bytes: 1e6, files: 1000 };

let place: string;
let tree: EditedTree;
/** What was synced, by the name that it had then, and what was renamed to where. */
let seen: string[];
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-edit-sync-'));
  mkdirSync(join(place, 'tree/old'), { recursive: true });
  mkdirSync(join(place, 'beside'));
  writeFileSync(join(place, 'tree/old/f'), 'old');
  tree = {
    root: join(place, 'tree'),
    beside: join(place, 'beside'),
    take: async () => {},
    isPrivate: () => false,
  };
  seen = [];
  const shown = (path: string): string =>
    path.replace(place, '').replace(/[\da-f]{8}-[\da-f-]{27}/, 'staged');
  const note = (fd: number): void => void seen.push(shown(readlinkSync(`/proc/self/fd/${fd}`)));
  Object.assign(fs, {
    fsync: (fd: number, done: (error: Error | null) => void) => {
      note(fd);
      fsync(fd, done);
    },
    fsyncSync: (fd: number) => {
      note(fd);
      fsyncSync(fd);
    },
    renameSync: (from: string | Buffer, to: string | Buffer) => {
      renameSync(from, to);
      seen.push('renamed');
    },
  });
  syncBuiltinESMExports();
});
afterEach(() => {
  Object.assign(fs, { fsync, fsyncSync, renameSync });
  syncBuiltinESMExports();
  rmSync(place, { recursive: true, force: true });
});

const before = (): string[] => seen.slice(0, seen.indexOf('renamed'));
const after = (): string[] => seen.slice(seen.lastIndexOf('renamed') + 1);
const put = (path: string, sync: boolean) =>
  putFile(tree, path.split('/'), Readable.from([Buffer.from('x')]), {
    ...{ mode: undefined, judge: () => {}, caps, sync },
  });

async function unpack(sync: boolean): Promise<void> {
  const packing = pack();
  for (const name of ['old/f', 'old/g', 'new/deep/f']) packing.entry({ name }, 'x');
  packing.finalize();
  const source = Readable.from(packing as AsyncIterable<Buffer>, { objectMode: false });
  await unpackInto(tree, ['in'], source, { caps, sync });
}

test('a file is on the disk before it takes its place, and its place and what was made on the way after that', async () => {
  await put('a/b/f', true);
  expect(new Set(before())).toEqual(new Set(['/beside/staged']));
  expect(after()).toEqual(['/tree/a/b', '/tree/a', '/tree']);
});

test('so is all of an archive, each directory once', async () => {
  mkdirSync(join(place, 'tree/in/old'), { recursive: true });
  await unpack(true);
  const came = ['', '/new', '/new/deep', '/new/deep/f', '/old', '/old/f', '/old/g'];
  expect(before().sort()).toEqual(came.map((path) => `/beside/staged/tree${path}`));
  expect(seen.filter((one) => one.startsWith('/tree')).sort()).toEqual([
    '/tree',
    '/tree/in',
    '/tree/in',
    '/tree/in/old',
  ]);
});

test('what was taken away is gone for good', async () => {
  const options = { recursive: true, judge: () => {}, sync: true };
  expect(await remove(tree, ['old', 'f'], options)).toBe(true);
  expect(after()).toEqual(['/tree/old']);
});

test('nothing waits for the disk where that is not asked for', async () => {
  await put('a/b/f', false);
  await unpack(false);
  expect(seen.filter((one) => one !== 'renamed')).toEqual([]);
});
