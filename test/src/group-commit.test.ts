import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GroupCommit } from '../../src/group-commit.ts';
import { InvocationStore } from '../../src/invocation-store.ts';

const WRITER = join(import.meta.dirname, '../fixtures/store-writer.ts');
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runwire-commit-'));
  file = join(directory, 'runwire.db');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function openPair() {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (v INTEGER PRIMARY KEY)');
  const other = new DatabaseSync(file, { readOnly: true });
  const seen = () => Number(other.prepare('SELECT count(*) AS n FROM t').get()?.n);
  const insert = db.prepare('INSERT INTO t VALUES (?)');
  return { db, seen, insert, [Symbol.dispose]: () => [other, db].forEach((one) => void one.close()) };
}

test('writes of one turn become durable together, once committed() resolves', async () => {
  using pair = openPair();
  const group = new GroupCommit(pair.db);
  for (let v = 1; v <= 3; v++) group.write(() => pair.insert.run(v));
  const all = [group.committed(), group.committed()];
  expect(all[0]).toBe(all[1]);
  expect(pair.seen()).toBe(0);
  await Promise.all(all);
  expect(pair.seen()).toBe(3);
  expect(pair.db.isTransaction).toBe(false);
});

test('the turn is committed without anybody asking', async () => {
  using pair = openPair();
  new GroupCommit(pair.db).write(() => pair.insert.run(1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(pair.seen()).toBe(1);
});

test('a broken constraint fails its own write and not the turn', async () => {
  using pair = openPair();
  const group = new GroupCommit(pair.db);
  group.write(() => pair.insert.run(1));
  expect(() => group.write(() => pair.insert.run(1))).toThrow(/UNIQUE/);
  group.write(() => pair.insert.run(2));
  await group.committed();
  expect(pair.seen()).toBe(2);
});

test('any other failure loses the turn as a whole, says so, and the next turn works', async () => {
  using pair = openPair();
  const told: string[] = [];
  const group = new GroupCommit(pair.db, (error) => told.push(error.message));
  group.write(() => pair.insert.run(1));
  const first = group.committed();
  first.catch(() => {});
  const broken = () => group.write(() => pair.db.exec('INSERT INTO no_such_table VALUES (1)'));
  expect(broken).toThrow(expect.objectContaining({ code: 'internal_error' }));
  expect(() => group.write(() => pair.insert.run(2))).toThrow(
    expect.objectContaining({ code: 'internal_error' }),
  );
  await expect(first).rejects.toMatchObject({ code: 'internal_error' });
  await expect(group.committed()).rejects.toMatchObject({ code: 'internal_error' });
  expect(told).toEqual(['The record could not be stored']);
  await new Promise((resolve) => setImmediate(resolve));
  group.write(() => pair.insert.run(3));
  await group.committed();
  expect(pair.seen()).toBe(1);
});

test('what was committed survives kill -9 and the rest of the turn is not there', () => {
  const { signal } = spawnSync(process.execPath, [WRITER, file, 'kill']);
  expect(signal).toBe('SIGKILL');
  const store = new InvocationStore(file);
  expect(store.get('kept')).toBeDefined();
  expect(store.get('lost')).toBeUndefined();
  store.close();
});

test.skipIf(!hasPrlimit)(
  'a disk that takes no more loses nothing that was told, and works again when it does',
  async () => {
    const child = spawn(process.execPath, [WRITER, file, 'full'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value as string) as { [key: string]: unknown };
    const limit = (bytes: string) =>
      execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:`]);
    expect(await next()).toEqual({ ready: true });
    child.stdin.write('a\n');
    expect(await next()).toMatchObject({ id: 'a', committed: true, found: true });
    limit('400000');
    child.stdin.write('b\n');
    expect(await next()).toHaveProperty('rolledBack');
    expect(await next()).toMatchObject({ id: 'b', committed: false, found: false });
    limit('unlimited');
    child.stdin.end('c\n');
    expect(await next()).toMatchObject({ id: 'c', committed: true, found: true });
    await once(child, 'exit');
    const store = new InvocationStore(file);
    expect(store.list({ limit: 9 }).rows.map(({ id }) => id)).toEqual(['c', 'a']);
    store.close();
  },
);
