import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AssetOperation, assetOperations } from '../../../src/store/asset-operations.ts';
import { InvocationStore, type NewRun } from '../../../src/store/invocation-store.ts';
import { MIGRATIONS } from '../../../src/store/schema.ts';

let directory: string;
let file: string;
let store: InvocationStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-store-'));
  file = join(directory, 'runwire.db');
  store = new InvocationStore(file);
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const asset = (name: string, digest = 'd1', type: 'file' | 'directory' = 'file') => ({
  ...{ name, digest, type, bytes: 3, files: 1, mediaType: 'text/plain', createdAt: 1000 },
});
const run = (id: string, more: Partial<NewRun> = {}): NewRun => ({
  ...{ id, status: 'pending', runtimeKind: 'fake', runtimeName: 'fake', createdAt: 1, startedAt: null },
  ...{ fingerprint: null, idempotencyKey: null, invocation: '{}', ...more },
});
const RESULT = { status: 'succeeded', finishedAt: 2, result: '{}', outcome: '{}', outputBytes: 0 } as const;
const words = (rows: { name: string; version: number }[]): string =>
  rows.map(({ name, version }) => `${name}@${version}`).join();

/** The files as a crash leaves them, opened again. */
function afterCrash(): InvocationStore {
  const copy = mkdtempSync(join(directory, 'crash-'));
  cpSync(file, join(copy, 'runwire.db'));
  for (const end of ['-wal', '-redo']) cpSync(`${file}${end}`, join(copy, `runwire.db${end}`));
  return new InvocationStore(join(copy, 'runwire.db'));
}

test('what is acknowledged of assets survives a crash, with which ones a run has', async () => {
  store.assets.insert(asset('a'));
  store.assets.insert(asset('a', 'd2'));
  store.assets.insert(asset('b', 'd3', 'directory'));
  store.insert(run('r', { assets: [{ name: 'a', version: 2 }] }));
  store.assets.remove('a', 1);
  await store.committed();
  const next = afterCrash();
  try {
    expect(next.assets.newest('a')).toEqual({ n: 2, version: 2, ...asset('a', 'd2') });
    expect(next.assets.version('a', 1)).toBeUndefined();
    expect(words(next.assets.page({ limit: 9 }).rows)).toBe('b@1,a@2');
    expect(next.assets.users('a', 2, 9).ids).toEqual(['r']);
    expect([next.assets.digests('file'), next.assets.digests('directory')]).toEqual([['d2'], ['d3']]);
  } finally {
    next.close();
  }
});

test('no version is made twice: not after it was removed, nor after the name was', () => {
  for (const digest of ['d1', 'd2']) store.assets.insert(asset('a', digest));
  expect(store.assets.remove('a', 2)).toBe(true);
  expect(store.assets.newest('a')?.version).toBe(1);
  expect(store.assets.insert(asset('a', 'd3')).version).toBe(3);
  expect(store.assets.remove('a', 2)).toBe(false);
  expect(store.assets.remove('a', null)).toBe(true);
  expect([store.assets.newest('a'), store.assets.countNames(), store.assets.countOf('a')]).toEqual([
    undefined,
    0,
    0,
  ]);
  expect(store.assets.remove('a', null)).toBe(false);
  store.close();
  store = new InvocationStore(file);
  expect(store.assets.insert(asset('a')).version).toBe(4);
});

test('the last version that goes takes the name with it, and one that goes leaves the newest of the rest', () => {
  for (const digest of ['d1', 'd2', 'd3']) store.assets.insert(asset('a', digest));
  store.assets.remove('a', 3);
  store.assets.remove('a', 1);
  expect([store.assets.newest('a')?.version, store.assets.countNames()]).toEqual([2, 1]);
  store.assets.remove('a', 2);
  expect([store.assets.newest('a'), store.assets.countNames()]).toEqual([undefined, 0]);
});

test('pages are of the newest of each name, and of all of one', () => {
  for (const [name, digest] of [...'aaabbc'].map((name, at) => [name, `d${at}`] as const))
    store.assets.insert(asset(name, digest));
  const first = store.assets.page({ limit: 2 });
  expect(words(first.rows)).toBe('c@1,b@2');
  expect(words(store.assets.page({ limit: 2, cursor: first.nextCursor ?? '' }).rows)).toBe('a@3');
  const versions = store.assets.versions('a', { limit: 2 });
  expect(words(versions.rows)).toBe('a@3,a@2');
  expect(words(store.assets.versions('a', { limit: 2, cursor: versions.nextCursor ?? '' }).rows)).toBe('a@1');
});

test('a version is used by unfinished runs alone, and by each of several', async () => {
  store.assets.insert(asset('a'));
  const both = [
    { name: 'a', version: 1 },
    { name: 'b', version: 7 },
  ];
  for (const id of ['r', 's', 't']) store.insert(run(id, { assets: both }));
  store.insert(run('u', { assets: [] }));
  expect(store.assets.users('b', 7, 2).ids).toEqual(['r', 's']);
  expect([store.assets.users('b', null, 9).ids, store.assets.users('b', 1, 9).ids]).toEqual([
    ['r', 's', 't'],
    [],
  ]);
  store.finish('r', RESULT);
  store.markRunning('s', 1);
  expect(store.assets.users('a', 1, 9).ids).toEqual(['s', 't']);
  expect(store.assets.users('a', 1, 1)).toEqual({ ids: ['s'], count: 2 });
  const rows = store.rowsOf('r');
  store.remove('r');
  store.putBack(rows);
  expect(store.rowsOf('r')).toEqual(rows);
});

test('an environment spec names assets until it is removed', () => {
  const spec = (name: string) => ({ name, digest: 'd', document: '{}', createdAt: 1 });
  const named = [
    { name: 'a', version: null },
    { name: 'b', version: 2 },
  ];
  store.specs.insert(spec('s'), named);
  store.specs.insert({ ...spec('s'), digest: 'e' }, [{ name: 'a', version: 3 }]);
  expect(store.specs.naming('a')).toEqual([
    { name: 's', version: 1, asset: null },
    { name: 's', version: 2, asset: 3 },
  ]);
  expect(store.specs.assetsOf('s', 1)).toEqual(named);
  store.specs.remove('s', [2]);
  expect([store.specs.naming('a'), store.specs.naming('b')]).toEqual([[], []]);
  expect(store.specs.assetsOf('s', 2)).toEqual([{ name: 'a', version: 3 }]);
  const [kept] = store.specs.kept();
  store.specs.drop(kept?.n ?? 0);
  // The row of a later one may have the same number.
  expect(store.specs.assetsOf('s', 2)).toEqual([]);
  store.close();
  store = new InvocationStore(file);
  store.specs.insert(spec('t'));
  expect(store.specs.assetsOf('t', 1)).toEqual([]);
});

test('so many names that are gone are remembered, and no more', () => {
  const db = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS) db.exec(migration);
  const apply = assetOperations(db, 2);
  for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) {
    apply({ op: 'asset', asset: { n: at + 1, version: 1, ...asset(name) } } satisfies AssetOperation);
    apply({ op: 'asset-removed', name, version: null, order: at + 1 });
  }
  const names = db.prepare('SELECT name FROM asset_names ORDER BY name').all();
  expect(names.map(({ name }) => name)).toEqual(['c', 'd']);
  db.close();
});

test('a database from before there were assets is taken over', () => {
  const old = join(directory, 'old.db');
  const db = new DatabaseSync(old);
  const before = MIGRATIONS.findIndex((text) => text.includes('CREATE TABLE assets'));
  for (const migration of MIGRATIONS.slice(0, before)) db.exec(migration);
  db.exec(`PRAGMA user_version = ${before}`);
  db.exec(`INSERT INTO specs VALUES (1, 's', 1, 'd', '{}', 1, 0)`);
  db.close();
  const next = new InvocationStore(old);
  try {
    expect(next.assets.page({ limit: 9 }).rows).toEqual([]);
    expect(next.specs.assetsOf('s', 1)).toEqual([]);
    expect(next.assets.insert(asset('a')).version).toBe(1);
  } finally {
    next.close();
  }
});
