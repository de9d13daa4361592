import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvocationStore, type NewRun } from '../../../src/store/invocation-store.ts';
import { MIGRATIONS } from '../../../src/store/schema.ts';
import { type SpecOperation, specOperations } from '../../../src/store/spec-operations.ts';
import { SpecRows } from '../../../src/store/specs.ts';

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

const spec = (name: string, document = '{}') => ({ name, digest: `d${document}`, document, createdAt: 1000 });
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

test('what is acknowledged of specs survives a crash', async () => {
  const used = { name: 'a', version: 1, digest: 'd1' };
  store.specs.insert(spec('a', '1'));
  store.specs.insert(spec('a', '2'));
  store.specs.insert(spec('b'));
  store.insert(run('r', { environmentSpec: used }));
  store.specs.remove('a', [1]);
  await store.committed();
  const next = afterCrash();
  try {
    expect(next.specs.newest('a')).toBeUndefined();
    expect(next.specs.version('a', 1)).toMatchObject({ document: '1', kept: true });
    expect(next.specs.version('a', 2)).toBeUndefined();
    expect(words(next.specs.page({ limit: 9 }).rows)).toBe('b@1');
    expect(next.specs.insert(spec('a', '3')).version).toBe(3);
    expect(JSON.parse(next.get('r')?.environmentSpec ?? 'null')).toEqual(used);
    expect([...next.unfinished()].map(({ environmentSpec }) => environmentSpec)).toEqual([
      next.get('r')?.environmentSpec,
    ]);
  } finally {
    next.close();
  }
});

test('a name that was removed begins with the next version; what is kept of it is no version of the new one', () => {
  for (const document of ['1', '2']) store.specs.insert(spec('a', document));
  expect([store.specs.countOf('a'), store.specs.countNames()]).toEqual([2, 1]);
  expect(store.specs.remove('a', [2])).toBe(true);
  expect(store.specs.remove('a', [2])).toBe(false);
  expect([store.specs.countOf('a'), store.specs.countNames(), store.specs.newest('a')]).toEqual([
    ...[0, 0],
    undefined,
  ]);
  expect(store.specs.insert(spec('a', '1')).version).toBe(3);
  expect(words(store.specs.versions('a', { limit: 9 }).rows)).toBe('a@3');
  const kept = store.specs.kept();
  expect(words(kept)).toBe('a@2');
  for (const { n } of kept) store.specs.drop(n);
  // One that is not kept cannot be dropped.
  store.specs.drop(store.specs.newest('a')?.n ?? 0);
  expect([store.specs.version('a', 2), store.specs.newest('a')?.version]).toEqual([undefined, 3]);
});

test('pages are of the newest versions, newest first, and of one name', () => {
  for (const name of ['a', 'b', 'a', 'c', 'b']) store.specs.insert(spec(name));
  const first = store.specs.page({ limit: 2 });
  expect(words(first.rows)).toBe('b@2,c@1');
  expect(first.nextCursor).not.toBeNull();
  const second = store.specs.page({ limit: 2, cursor: first.nextCursor ?? '' });
  expect([words(second.rows), second.nextCursor]).toEqual(['a@2', null]);
  const versions = store.specs.versions('b', { limit: 1 });
  expect(words(versions.rows)).toBe('b@2');
  expect(words(store.specs.versions('b', { limit: 1, cursor: versions.nextCursor ?? '' }).rows)).toBe('b@1');
});

test('what unfinished runs were made with is used; a run that is removed and put back has it again', () => {
  const environmentSpec = { name: 'a', version: 1, digest: 'd' };
  store.insert(run('r', { environmentSpec }));
  store.insert(run('s'));
  expect(words(store.specs.used())).toBe('a@1');
  store.finish('r', RESULT);
  expect(store.specs.used()).toEqual([]);
  const rows = store.rowsOf('r');
  store.remove('r');
  store.putBack(rows);
  expect(JSON.parse(store.get('r')?.environmentSpec ?? 'null')).toEqual(environmentSpec);
  expect(store.list({ limit: 9 }).rows.map((row) => row.environmentSpec !== null)).toEqual([false, true]);
});

test('of names that were removed the last ones are remembered', () => {
  const db = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS) db.exec(migration);
  const apply = specOperations(db, 2);
  ['a', 'b', 'c'].forEach((name, at) => {
    apply({ op: 'spec', spec: { n: at + 1, version: 1, ...spec(name) } });
    apply({ op: 'spec-removed', name, order: at + 1, kept: [] });
  });
  expect(
    db
      .prepare('SELECT name FROM spec_names')
      .all()
      .map(({ name }) => name),
  ).toEqual(['b', 'c']);
  db.close();
});

test('what is kept of a name that is no longer remembered is not made a second time', () => {
  const db = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS) db.exec(migration);
  const apply = specOperations(db, 1);
  const rows = new SpecRows(db, { write: (operation) => apply(operation as SpecOperation), ready: () => {} });
  for (const document of ['1', '2']) rows.insert(spec('a', document));
  rows.insert(spec('b'));
  rows.remove('a', [2]);
  rows.remove('b', []);
  expect(rows.insert(spec('b')).version).toBe(2);
  expect(rows.insert(spec('a')).version).toBe(3);
  db.close();
});

test('a data directory of an earlier release gets the tables, and its runs have none', () => {
  const old = join(directory, 'old.db');
  const db = new DatabaseSync(old);
  const before = MIGRATIONS.findIndex((text) => text.includes('CREATE TABLE specs'));
  for (const migration of MIGRATIONS.slice(0, before)) db.exec(migration);
  db.exec(`PRAGMA user_version = ${before}`);
  db.exec(`INSERT INTO runs VALUES (1, 'r', 'pending', 'fake', 'fake', 1, NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO invocations VALUES (1, '{}');`);
  db.close();
  const next = new InvocationStore(old);
  try {
    expect(next.get('r')?.environmentSpec).toBeNull();
    expect([...next.unfinished()][0]?.environmentSpec).toBeNull();
    expect(next.specs.insert(spec('a')).version).toBe(1);
  } finally {
    next.close();
  }
});
