import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiscardedFiles } from '../../../src/disk/discarded.ts';
import { requires } from '../../helpers/require.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-discarded-'));
  mkdirSync(join(dataDir, 'runs'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function runOf(id: string, text: string): string {
  const directory = join(dataDir, 'runs', id);
  mkdirSync(directory);
  writeFileSync(join(directory, 'stdout'), text);
  return directory;
}

test('taken files are gone at once, and deleted when they are dropped', async () => {
  const directory = runOf('a', 'old');
  const discarded = new DiscardedFiles(dataDir).take('a');
  expect(existsSync(directory)).toBe(false);
  runOf('a', 'new');
  await discarded.drop();
  expect(readFileSync(join(directory, 'stdout'), 'utf8')).toBe('new');
  expect(readdirSync(join(dataDir, 'discarded'))).toEqual([]);
});

test('files are given back, but not over those of a new run', () => {
  const files = new DiscardedFiles(dataDir);
  const directory = runOf('a', 'old');
  files.take('a').restore();
  expect(readFileSync(join(directory, 'stdout'), 'utf8')).toBe('old');
  const discarded = files.take('a');
  runOf('a', 'new');
  discarded.restore();
  expect(readFileSync(join(directory, 'stdout'), 'utf8')).toBe('new');
});

test('a run without files can be taken', async () => {
  const discarded = new DiscardedFiles(dataDir).take('none');
  discarded.restore();
  await discarded.drop();
  expect(readdirSync(join(dataDir, 'runs'))).toEqual([]);
});

test('after a crash, files of known runs come back and what belongs to nobody goes', async () => {
  runOf('known', 'kept');
  runOf('deleted', 'x');
  runOf('orphan', 'x');
  runOf('other', 'kept');
  const before = new DiscardedFiles(dataDir);
  before.take('known');
  before.take('deleted');
  const files = new DiscardedFiles(dataDir);
  const isKnown = (id: string) => id === 'known' || id === 'other';
  files.restoreKnown(isKnown);
  await files.sweep(isKnown);
  expect(readdirSync(join(dataDir, 'runs')).sort()).toEqual(['known', 'other']);
  expect(readdirSync(join(dataDir, 'discarded'))).toEqual([]);
});

test('directories that a program made unreadable or read-only are deleted, by a server without privileges', async () => {
  const root = process.getuid?.() === 0;
  if (root) {
    chownSync(dataDir, 65534, 65534);
    chownSync(join(dataDir, 'runs'), 65534, 65534);
    process.seteuid?.(65534);
  }
  try {
    const directory = runOf('a', 'old');
    for (const [name, mode] of [
      ['read-only', 0o555],
      ['closed', 0],
    ] as const) {
      mkdirSync(join(directory, name, 'inner'), { recursive: true });
      writeFileSync(join(directory, name, 'inner', 'file'), 'x');
      chmodSync(join(directory, name, 'inner'), mode);
      chmodSync(join(directory, name), mode);
    }
    await new DiscardedFiles(dataDir).remove('a');
    expect(readdirSync(join(dataDir, 'discarded'))).toEqual([]);
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('however many files there are, few of them are asked for at once, for all trees together', async () => {
  const files = new DiscardedFiles(dataDir);
  for (const id of ['a', 'b', 'c']) {
    const directory = runOf(id, 'old');
    for (let n = 0; n < 20; n++) {
      mkdirSync(join(directory, `d${n}`));
      for (let at = 0; at < 30; at++) writeFileSync(join(directory, `d${n}`, `f${at}`), '');
    }
    for (let at = 0; at < 1000; at++) writeFileSync(join(directory, `f${at}`), '');
  }
  let most = 0;
  const removed = Promise.all(['a', 'b', 'c'].map((id) => files.remove(id)));
  let over = false;
  void removed.finally(() => {
    over = true;
  });
  while (!over) {
    const asked = process.getActiveResourcesInfo().filter((name) => name.startsWith('FSReq'));
    most = Math.max(most, asked.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await removed;
  // So many names, and one step of each directory that is worked on.
  expect(most).toBeLessThanOrEqual(64 + 32);
  expect(readdirSync(join(dataDir, 'discarded'))).toEqual([]);
});

test('trees deeper than a path can tell are deleted', async () => {
  const directory = runOf('a', 'old');
  const level = 'd'.repeat(200);
  // Grown from below: a path to the deepest directory would be too long.
  mkdirSync(join(dataDir, 'grown'));
  for (let at = 0; at < 60; at++) {
    mkdirSync(join(dataDir, level));
    renameSync(join(dataDir, 'grown'), join(dataDir, level, level));
    renameSync(join(dataDir, level), join(dataDir, 'grown'));
  }
  renameSync(join(dataDir, 'grown'), join(directory, 'work'));
  await new DiscardedFiles(dataDir).remove('a');
  expect(readdirSync(join(dataDir, 'discarded'))).toEqual([]);
});

requires('root')('A directory that cannot be deleted', () => {
  test('is told of, and stops the sweep of no other', async () => {
    const files = new DiscardedFiles(dataDir);
    for (const id of ['a', 'b', 'c']) {
      mkdirSync(join(runOf(id, 'old'), 'theirs'));
      writeFileSync(join(dataDir, 'runs', id, 'theirs', 'file'), 'of root');
      files.take(id);
    }
    const [a = '', b = '', c = ''] = readdirSync(join(dataDir, 'discarded')).sort();
    rmSync(join(dataDir, 'discarded', a, 'theirs'), { recursive: true });
    rmSync(join(dataDir, 'discarded', c, 'theirs'), { recursive: true });
    for (const path of ['runs', 'discarded', `discarded/${a}`, `discarded/${b}`, `discarded/${c}`])
      chownSync(join(dataDir, path), 65534, 65534);
    chownSync(dataDir, 65534, 65534);
    process.seteuid?.(65534);
    try {
      await expect(files.sweep(() => false)).rejects.toThrow(/EACCES|EPERM/);
      expect(readdirSync(join(dataDir, 'discarded'))).toEqual([b]);
    } finally {
      process.seteuid?.(0);
    }
  });
});
