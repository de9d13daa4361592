import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiscardedFiles } from '../../src/discarded-files.ts';

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
