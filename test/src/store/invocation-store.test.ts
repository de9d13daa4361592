import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DuplicateRun } from '../../../src/store/duplicate-run.ts';
import { InvocationStore, type NewRun } from '../../../src/store/invocation-store.ts';

let directory: string;
let file: string;
let store: InvocationStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runwire-store-'));
  file = join(directory, 'runwire.db');
  store = new InvocationStore(file);
});
afterEach(async () => {
  store.close();
  await rm(directory, { recursive: true, force: true });
});

const run = (id: string, more: Partial<NewRun> = {}): NewRun => ({
  id,
  status: 'pending',
  runtimeKind: 'subprocess',
  runtimeName: 'shell',
  createdAt: 1000,
  startedAt: null,
  fingerprint: null,
  idempotencyKey: null,
  invocation: `{"invocation_id":"${id}"}`,
  ...more,
});
const facts = {
  status: 'succeeded',
  finishedAt: 3000,
  result: '{}',
  outcome: '{"ended":"exited"}',
  outputBytes: 7,
} as const;
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id).join(' ');

test('a run is stored, started, finished and found again after the store was closed', () => {
  store.insert(run('a', { fingerprint: 'f', idempotencyKey: 'k' }));
  expect(store.markRunning('a', 2000)).toBe(true);
  expect(store.finish('a', facts)).toBe(true);
  store.close();
  store = new InvocationStore(file);
  const expected = {
    n: 1,
    id: 'a',
    status: 'succeeded',
    runtimeKind: 'subprocess',
    runtimeName: 'shell',
    createdAt: 1000,
    startedAt: 2000,
    finishedAt: 3000,
    outputBytes: 7,
    fingerprint: 'f',
    idempotencyKey: 'k',
    invocation: '{"invocation_id":"a"}',
    result: '{}',
    outcome: '{"ended":"exited"}',
    delivery: null,
    environmentSpec: null,
    directory: 'a',
  };
  expect(store.get('a')).toEqual(expected);
  expect(store.findByKey('k')).toEqual(expected);
  expect(store.get('b')).toBeUndefined();
  expect(store.findByKey('other')).toBeUndefined();
});

test('a final status never changes', () => {
  store.insert(run('a'));
  store.finish('a', facts);
  expect(store.finish('a', { ...facts, status: 'failed', result: '{"late":1}' })).toBe(false);
  expect(store.markRunning('a', 1)).toBe(false);
  expect(store.get('a')).toMatchObject({ status: 'succeeded', result: '{}' });
  expect(store.finish('unknown', facts)).toBe(false);
});

test('the first reason to stop is kept until the run has ended, and goes with its record', async () => {
  for (const id of ['a', 'b', 'c']) store.insert(run(id));
  store.setAbort('a', '1');
  store.setAbort('a', '2');
  store.finish('c', facts);
  store.setAbort('c', '3');
  expect([...store.unfinished()].map(({ id, abort }) => [id, abort])).toEqual([
    ['a', '1'],
    ['b', null],
  ]);
  store.finish('a', facts);
  store.remove('a');
  store.remove('c');
  store.close();
  const db = new DatabaseSync(file);
  expect(db.prepare('SELECT * FROM aborts').all()).toEqual([]);
  db.close();
  store = new InvocationStore(file);
});

test('an id or a key that is taken is refused by name and nothing of the run is stored', async () => {
  store.insert(run('a', { idempotencyKey: 'k' }));
  expect(() => store.insert(run('a'))).toThrow(DuplicateRun);
  expect(() => store.insert(run('a'))).toThrow(expect.objectContaining({ field: 'id' }));
  expect(() => store.insert(run('b', { idempotencyKey: 'k' }))).toThrow(
    expect.objectContaining({ field: 'idempotencyKey' }),
  );
  store.insert(run('c'));
  await store.committed();
  expect(ids(store.list({ limit: 10 }).rows)).toBe('c a');
});

test('pages go from the newest to the oldest without loss or repeat while runs are added and removed', () => {
  for (let at = 1; at <= 7; at++) store.insert(run(`r${at}`));
  const first = store.list({ limit: 3 });
  expect(ids(first.rows)).toBe('r7 r6 r5');
  store.insert(run('r8'));
  store.finish('r5', facts);
  store.remove('r5');
  const second = store.list({ limit: 3, cursor: first.nextCursor ?? '' });
  expect(ids(second.rows)).toBe('r4 r3 r2');
  const third = store.list({ limit: 3, cursor: second.nextCursor ?? '' });
  expect(ids(third.rows)).toBe('r1');
  expect(third.nextCursor).toBeNull();
});

test('a page that ends with the last run has no next cursor', () => {
  store.insert(run('a'));
  store.insert(run('b'));
  expect(store.list({ limit: 2 }).nextCursor).toBeNull();
});

test.each(['', 'x', 'MQ==', 'LTE', 'MS41', 'MDE', '../..'])('the cursor %j is refused by name', (cursor) => {
  expect(() => store.list({ limit: 1, cursor })).toThrow(
    expect.objectContaining({ code: 'bad_request', errors: [expect.objectContaining({ path: 'cursor' })] }),
  );
});

test('every combination of filters gives the same runs as filtering by hand', () => {
  const statuses = ['succeeded', 'failed', undefined] as const;
  const kinds = ['subprocess', 'http', undefined];
  const names = ['one', 'two', undefined];
  const all: { id: string; status: string; kind: string; name: string }[] = [];
  for (let at = 0; at < 60; at++) {
    const one = {
      id: `r${at}`,
      status: statuses[at % 2] ?? '',
      kind: kinds[at % 3 ? 0 : 1] ?? '',
      name: names[at % 5 ? 0 : 1] ?? '',
    };
    all.unshift(one);
    store.insert(run(one.id, { runtimeKind: one.kind, runtimeName: one.name }));
    store.finish(one.id, { ...facts, status: at % 2 ? 'failed' : 'succeeded' });
  }
  for (const status of statuses)
    for (const runtimeKind of kinds)
      for (const runtimeName of names) {
        const expected = all.filter(
          (one) =>
            (status ?? one.status) === one.status &&
            (runtimeKind ?? one.kind) === one.kind &&
            (runtimeName ?? one.name) === one.name,
        );
        expect(ids(store.list({ status, runtimeKind, runtimeName, limit: 100 }).rows)).toBe(ids(expected));
      }
});

test('unfinished runs come in order of acceptance, whatever their status', () => {
  store.insert(run('a'));
  store.insert(run('b', { status: 'running', startedAt: 1 }));
  store.insert(run('c'));
  store.insert(run('d'));
  store.finish('c', facts);
  expect([...store.unfinished()].map(({ id }) => id).join(' ')).toBe('a b d');
});

test('only a finished run is removed, and its place in the order is not given again', () => {
  store.insert(run('a'));
  expect(store.remove('a')).toBe(false);
  store.finish('a', facts);
  expect(store.remove('a')).toBe(true);
  expect(store.remove('a')).toBe(false);
  expect(store.get('a')).toBeUndefined();
  store.insert(run('a'));
  expect(store.get('a')).toMatchObject({ n: 2, status: 'pending', result: null });
});

test('the name of a directory that is not the id stays with its run, also one that is put back', () => {
  store.insert(run('a/b', { directory: '_hash' }));
  store.insert(run('plain'));
  const known = (...names: string[]) => names.map((name) => store.hasDirectory(name));
  expect(known('_hash', 'plain', 'a/b', 'other')).toEqual([true, true, false, false]);
  expect([...store.unfinished()].map(({ directory }) => directory)).toEqual(['_hash', 'plain']);
  store.finish('a/b', facts);
  const rows = store.rowsOf('a/b');
  expect(store.remove('a/b')).toBe(true);
  expect(known('_hash')).toEqual([false]);
  store.putBack(rows);
  expect(store.get('a/b')).toMatchObject({ directory: '_hash' });
  expect(store.list({ limit: 9 }).rows.map(({ directory }) => directory)).toEqual(['plain', '_hash']);
  store.close();
  store = new InvocationStore(file);
  expect(known('_hash', 'plain')).toEqual([true, true]);
});

test('statuses are counted', () => {
  store.insert(run('a'));
  store.insert(run('b'));
  store.finish('b', facts);
  expect(store.counts()).toEqual({
    pending: 1,
    running: 0,
    succeeded: 1,
    failed: 0,
    timed_out: 0,
    cancelled: 0,
    rejected: 0,
  });
});

test('a secret is apart from what clients see, and is erased when the delivery is settled', () => {
  store.insert(run('a', { delivery: { delivery: '{"state":"pending"}', secret: 's3cret' } }));
  expect(store.pendingDeliveries()).toEqual([]);
  store.finish('a', facts);
  expect(store.pendingDeliveries()).toEqual([{ id: 'a', delivery: '{"state":"pending"}' }]);
  expect(JSON.stringify([store.get('a'), store.list({ limit: 1 })])).not.toContain('s3cret');
  store.setDelivery('a', '{"state":"pending","attempts":1}', false);
  expect(store.delivery('a')).toMatchObject({
    secret: 's3cret',
    delivery: '{"state":"pending","attempts":1}',
  });
  store.setDelivery('a', '{"state":"delivered"}', true);
  expect(store.delivery('a')).toMatchObject({ secret: null, result: '{}' });
  expect(store.pendingDeliveries()).toEqual([]);
  expect(store.get('a')).toMatchObject({ delivery: '{"state":"delivered"}' });
});

test('the database is for its owner and for one server only', async () => {
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect((await stat(`${file}-wal`)).mode & 0o077).toBe(0);
  expect(() => new InvocationStore(file)).toThrow(`${file} is in use by another Runwire`);
});

test('a database of a newer version is refused in one clear line and left as it is', () => {
  store.close();
  const newer = join(directory, 'newer.db');
  const db = new DatabaseSync(newer);
  db.exec('PRAGMA user_version = 99');
  db.close();
  expect(() => new InvocationStore(newer)).toThrow(
    /^.*newer\.db was written by a newer Runwire \(schema 99; .*\)$/,
  );
  const again = new DatabaseSync(newer);
  expect(again.prepare('PRAGMA user_version').get()?.user_version).toBe(99);
  again.close();
  store = new InvocationStore(file);
});

test('a file that is no database is refused in one clear line', () => {
  expect(() => new InvocationStore(import.meta.filename)).toThrow(/is not a database$/);
});

test('a page has fewer runs where their documents are long, and the next goes on behind it', () => {
  const long = 'x'.repeat(6_000_000);
  for (const id of ['a', 'b', 'c', 'd', 'e'])
    store.insert(run(id, { invocation: id === 'a' ? '{}' : long, status: 'pending' }));
  store.insert(run('f', { invocation: 'x'.repeat(20_000_000) }));
  const pages: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = store.list({ limit: 1000, cursor });
    pages.push(ids(page.rows));
    cursor = page.nextCursor;
  }
  expect(pages).toEqual(['f', 'e d', 'c b a']);
});

test('keys that joined a run find it, and come back with it when its removal is undone', () => {
  store.insert(run('a', { idempotencyKey: 'made' }));
  store.finish('a', facts);
  store.joinKey('a', 'second');
  store.joinKey('a', 'third');
  const rows = store.rowsOf('a');
  store.remove('a');
  expect(store.findByKey('second')).toBeUndefined();
  store.putBack(rows);
  expect(['made', 'second', 'third'].map((key) => store.findByKey(key)?.id)).toEqual(['a', 'a', 'a']);
  expect(store.joinedKeys('a')).toBe(2);
});
