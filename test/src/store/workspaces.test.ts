import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { MIGRATIONS } from '../../../src/store/schema.ts';
import type { WorkspaceFacts } from '../../../src/store/workspaces.ts';

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

const FACTS: WorkspaceFacts = {
  state: 'filling',
  reason: null,
  baseSnapshot: null,
  bytes: 0,
  files: 0,
  lastUsedAt: 1000,
  expiresAt: null,
  restoring: null,
};
const workspace = (id: string) => ({ id, fingerprint: null, input: '{}', createdAt: 1000 });
const snapshot = (id: string, of: string, digest: string) => ({
  ...{ id, workspace: of, origin: 'sent:x', digest, files: 1, bytes: 2 },
  ...{ omitted: '[]', metadata: '{}', createdAt: 3000 },
});
const ids = (rows: { id: string }[]): string => rows.map(({ id }) => id).join();

/** The files as a crash leaves them, opened again. */
function afterCrash(): InvocationStore {
  const copy = mkdtempSync(join(directory, 'crash-'));
  cpSync(file, join(copy, 'runwire.db'));
  for (const end of ['-wal', '-redo']) cpSync(`${file}${end}`, join(copy, `runwire.db${end}`));
  return new InvocationStore(join(copy, 'runwire.db'));
}

test('what is acknowledged of workspaces and snapshots survives a crash', async () => {
  store.workspaces.insert(workspace('a'), FACTS);
  store.workspaces.insert(workspace('b'), { ...FACTS, expiresAt: 5000 });
  store.workspaces.change('a', { state: 'ready', bytes: 7, baseSnapshot: 's' });
  store.snapshots.insert(snapshot('s', 'a', 'd1'));
  store.snapshots.insert(snapshot('t', 'b', 'd1'));
  store.snapshots.insert(snapshot('u', 'b', 'd2'));
  store.workspaces.remove('b', 'expired');
  store.snapshots.remove('t', 'deleted');
  await store.committed();
  const next = afterCrash();
  try {
    expect(next.workspaces.get('a')).toEqual({
      ...{ n: 1, ...workspace('a'), ...FACTS },
      ...{ state: 'ready', bytes: 7, baseSnapshot: 's' },
    });
    expect(next.workspaces.get('b')).toBeUndefined();
    expect(next.workspaces.removed('b')).toMatchObject({ reason: 'expired' });
    expect(next.snapshots.removed('t')).toMatchObject({ reason: 'deleted' });
    expect(next.snapshots.get('s')).toEqual({ n: 1, ...snapshot('s', 'a', 'd1') });
    expect([...next.snapshots.digests()].sort()).toEqual(['d1', 'd2']);
    expect(ids(next.snapshots.page({ limit: 9, workspace: 'b' }).rows)).toBe('u');
    next.workspaces.insert(workspace('c'), FACTS);
    expect(ids(next.workspaces.page({ limit: 9 }).rows)).toBe('c,a');
  } finally {
    next.close();
  }
});

test('pages go on where they ended; what is unready and what is old is found', () => {
  for (const id of 'abcd') store.workspaces.insert(workspace(id), FACTS);
  store.workspaces.change('a', { state: 'ready', expiresAt: 2000 });
  store.workspaces.change('b', { state: 'restoring' });
  store.workspaces.change('c', { state: 'failed', expiresAt: 1000 });
  const first = store.workspaces.page({ limit: 3 });
  expect([ids(first.rows), first.nextCursor !== null]).toEqual(['d,c,b', true]);
  expect(store.workspaces.page({ limit: 3, cursor: first.nextCursor ?? '' })).toMatchObject({
    nextCursor: null,
  });
  expect(() => store.workspaces.page({ limit: 3, cursor: 'x' })).toThrow('cursor is not a cursor');
  expect(ids(store.workspaces.unready())).toBe('b,d');
  expect([1999, 2000].map((now) => ids(store.workspaces.expired(now)))).toEqual(['c', 'c,a']);
  expect(store.workspaces.change('none', { state: 'ready' })).toBe(false);
  expect(store.workspaces.remove('none', 'deleted')).toBe(false);
});

test('pages are shorter where what they tell is long', () => {
  const text = 'x'.repeat(6_000_000);
  for (const id of 'abc') {
    store.workspaces.insert({ ...workspace(id), input: text }, FACTS);
    store.snapshots.insert({ ...snapshot(id, 'a', 'd'), metadata: text });
  }
  for (const page of [
    store.workspaces.page({ limit: 9 }),
    store.snapshots.page({ limit: 9 }),
    store.snapshots.page({ limit: 9, workspace: 'a' }),
  ])
    expect([ids(page.rows), page.nextCursor !== null]).toEqual(['c,b', true]);
});

test('a data directory of an earlier release gets the tables, and keeps what it has', () => {
  const old = join(directory, 'old.db');
  const db = new DatabaseSync(old);
  const before = MIGRATIONS.findIndex((text) => text.includes('CREATE TABLE workspaces'));
  for (const migration of MIGRATIONS.slice(0, before)) db.exec(migration);
  db.exec(`PRAGMA user_version = ${before}`);
  db.exec("INSERT INTO removed VALUES (1, 'gone', 5, 'deleted')");
  db.close();
  const next = new InvocationStore(old);
  try {
    expect(next.removed('gone')).toEqual({ removedAt: 5, reason: 'deleted' });
    next.workspaces.insert(workspace('gone'), FACTS);
    expect([next.workspaces.get('gone')?.n, next.workspaces.removed('gone')]).toEqual([1, undefined]);
  } finally {
    next.close();
  }
});
