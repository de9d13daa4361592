import fs, { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Staging } from '../../../src/files/staging.ts';
import { forgetSyncs, noteSyncs } from '../../helpers/noted-syncs.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-staging-'));
});
afterEach(() => {
  forgetSyncs();
  rmSync(place, { recursive: true, force: true });
});

const CAPS = { bytes: 10_000_000, files: 1000 };

/** By which names files and directories were when they were synced. */
const shown = (path: string): string => path.replace(/^.*\/uploads\/[^/]+/, 'upload').replace(place, 'place');

async function put(sync: boolean): Promise<void> {
  const staged = new Staging(place, CAPS, sync).begin();
  for (let index = 0; index < 100; index++)
    await staged.filling.file(
      { parts: ['d', `f${index}`], mode: index % 2 ? 0o644 : 0 },
      Buffer.from(`${index}`),
    );
  staged.filling.tree.directory(['d', 'closed'], 0);
  await staged.whole();
  mkdirSync(join(place, 'runs/1'), { recursive: true });
  staged.moveTo(join(place, 'runs/1/work'));
  await staged.discard();
}

test('files are on the disk before they are said to be whole, where that is asked for', async () => {
  const paths = noteSyncs();
  await put(true);
  const names = paths.map(shown);
  const files = Array.from({ length: 100 }, (_, index) => `upload/files/d/f${index}`);
  expect(names.filter((name) => /f\d+$/.test(name)).sort()).toEqual(files.sort());
  expect(names.filter((name) => name.startsWith('upload') && !/f\d+$/.test(name))).toEqual([
    'upload/files/d/closed',
    'upload/files/d',
    'upload/files',
  ]);
  expect(names.slice(-2)).toEqual(['place/runs/1', 'place/runs']);
});

test('a directory that keeps its owner out is synced too, and is what it was', async () => {
  await put(true);
  expect(lstatSync(join(place, 'runs/1/work/d/closed')).mode & 0o777).toBe(0);
  expect(lstatSync(join(place, 'runs/1/work/d')).mode & 0o777).toBe(0o755);
  expect(lstatSync(join(place, 'runs/1/work/d/f0')).mode & 0o777).toBe(0);
  expect(readFileSync(join(place, 'runs/1/work/d/f51'), 'utf8')).toBe('51');
  expect(readdirSync(join(place, 'uploads'))).toEqual([]);
});

test('nothing is synced where it is not asked for', async () => {
  const paths = noteSyncs();
  await put(false);
  expect(paths).toEqual([]);
});

test('what a sync meets is told before they are whole', async () => {
  const staged = new Staging(place, CAPS, true).begin();
  Object.assign(fs, {
    fsync: (_fd: number, done: (error: Error | null) => void) =>
      setImmediate(done, Object.assign(new Error('no space'), { code: 'ENOSPC' })),
  });
  syncBuiltinESMExports();
  await staged.filling.file({ parts: ['f'], mode: 0o644 }, Buffer.from('x'));
  await expect(staged.whole()).rejects.toThrow('no space');
  await staged.discard();
  expect(readdirSync(join(place, 'uploads'))).toEqual([]);
});
