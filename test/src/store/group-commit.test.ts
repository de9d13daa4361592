import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GroupCommit } from '../../../src/store/group-commit.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { RedoLog } from '../../../src/store/redo-log.ts';

const WRITER = join(import.meta.dirname, '../../fixtures/store-writer.ts');
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runwire-commit-'));
  file = join(directory, 'runwire.db');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Words for what cannot be done, changes nothing, and is refused at a commit until the parent is there. */
type Word = 'broken' | 'nothing' | 'orphan' | 'parent';

/** Numbers in a table. */
function open(at = file) {
  const db = new DatabaseSync(at);
  db.exec(`PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (v INTEGER PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS redo (applied INTEGER NOT NULL);
    INSERT INTO redo SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM redo);
    CREATE TABLE IF NOT EXISTS parent (id INTEGER PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`);
  const insert = db.prepare('INSERT INTO t VALUES (?)');
  const redo = new RedoLog(`${at}-redo`, { sync: false });
  const told: string[] = [];
  const group = new GroupCommit<number | Word>({
    db,
    redo,
    apply(operation) {
      if (operation === 'nothing') return false;
      if (operation === 'broken') db.exec('INSERT INTO no_such_table VALUES (1)');
      else if (operation === 'orphan') db.exec('INSERT INTO child VALUES (1)');
      else if (operation === 'parent') db.exec('INSERT INTO parent VALUES (1)');
      else insert.run(operation);
      return true;
    },
    onRollback: ({ message }) => told.push(`rollback: ${message}`),
    onDelay: ({ message }) => told.push(`delay: ${message}`),
  });
  group.replay();
  return {
    db,
    redo,
    group,
    told,
    seen() {
      group.ready();
      return numbers(db);
    },
    close() {
      group.close();
      db.close();
      redo.close();
    },
    [Symbol.dispose]() {
      if (db.isOpen) this.close();
    },
  };
}

function numbers(db: DatabaseSync): number[] {
  return db
    .prepare('SELECT v FROM t ORDER BY v')
    .all()
    .map(({ v }) => Number(v));
}

/** What is in the database for everybody. */
function carried(): number[] {
  const other = new DatabaseSync(file, { readOnly: true });
  const found = numbers(other);
  other.close();
  return found;
}

/** The files as a process killed now would leave them, opened by the next one. */
function afterCrash<T>(look: (next: ReturnType<typeof open>) => T): T {
  const copy = mkdtempSync(join(directory, 'copy-'));
  for (const suffix of ['', '-wal', '-redo'])
    if (existsSync(file + suffix)) copyFileSync(file + suffix, join(copy, `db${suffix}`));
  using next = open(join(copy, 'db'));
  return look(next);
}

test('writes of one turn become durable together, once committed() resolves, and are seen at once', async () => {
  using store = open();
  for (let v = 1; v <= 3; v++) store.group.write(v);
  expect(store.seen()).toEqual([1, 2, 3]);
  const all = [store.group.committed(), store.group.committed()];
  expect(all[0]).toBe(all[1]);
  expect(afterCrash((next) => next.seen())).toEqual([]);
  await Promise.all(all);
  expect(afterCrash((next) => next.seen())).toEqual([1, 2, 3]);
});

test('what an earlier process left is seen at once where the database does not take it yet', async () => {
  using store = open();
  store.group.write(1);
  store.group.write('orphan');
  await store.group.committed();
  // Without a call of ready(): highest numbers and sums are read when the store is opened.
  expect(afterCrash((next) => [numbers(next.db), next.told.length])).toEqual([[1], 1]);
});

test('the turn is made durable without anybody asking', async () => {
  using store = open();
  store.group.write(1);
  await nextTurn();
  expect(afterCrash((next) => next.seen())).toEqual([1]);
});

test('the database takes many turns together, a moment later, and the redo log is empty then', async () => {
  using store = open();
  for (let v = 1; v <= 5; v++) {
    store.group.write(v);
    await store.group.committed();
  }
  await vi.waitFor(() => expect(carried()).toEqual([1, 2, 3, 4, 5]));
  await vi.waitFor(() => expect(store.redo.size).toBe(0));
  store.group.write(6);
  await store.group.committed();
  expect(afterCrash((next) => next.seen())).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a crash between the commit of the database and the emptying of the redo log does nothing twice', async () => {
  using store = open();
  vi.spyOn(store.redo, 'clear').mockImplementation(() => {});
  store.group.write(1);
  store.group.carry();
  expect(store.redo.size).toBeGreaterThan(0);
  expect(afterCrash((next) => next.seen())).toEqual([1]); // a second insert would break the constraint
  expect(afterCrash((next) => next.redo.size)).toBe(0);
  store.group.write(2);
  await store.group.committed();
  expect(afterCrash((next) => next.seen())).toEqual([1, 2]);
});

test('what changes nothing costs nothing', async () => {
  using store = open();
  expect(store.group.write('nothing')).toBe(false);
  await store.group.committed();
  expect(statSync(`${file}-redo`).size).toBe(0);
});

test('a broken constraint fails its own write and not the turn', async () => {
  using store = open();
  store.group.write(1);
  expect(() => store.group.write(1)).toThrow(/UNIQUE/);
  store.group.write(2);
  await store.group.committed();
  expect(afterCrash((next) => next.seen())).toEqual([1, 2]);
});

test('any other failure loses the turn as a whole and no earlier one, says so, and the next turn works', async () => {
  using store = open();
  store.group.write(1);
  await store.group.committed();
  store.group.write(2);
  const lost = store.group.committed();
  lost.catch(() => {});
  const internal = expect.objectContaining({ code: 'internal_error' });
  expect(() => store.group.write('broken')).toThrow(internal);
  expect(() => store.group.write(3)).toThrow(internal);
  await expect(lost).rejects.toMatchObject({ code: 'internal_error' });
  await expect(store.group.committed()).rejects.toMatchObject({ code: 'internal_error' });
  expect(store.told).toEqual(['rollback: The record could not be stored']);
  expect(store.seen()).toEqual([1]);
  await nextTurn();
  store.group.write(4);
  await store.group.committed();
  expect(store.seen()).toEqual([1, 4]);
  expect(afterCrash((next) => next.seen())).toEqual([1, 4]);
});

test('a turn that the redo log does not take is lost as a whole, and no earlier one', async () => {
  using store = open();
  store.group.write(1);
  await store.group.committed();
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  vi.spyOn(store.redo, 'append').mockImplementationOnce(() => {
    throw full;
  });
  store.group.write(2);
  await expect(store.group.committed()).rejects.toMatchObject({ code: 'insufficient_storage', cause: full });
  expect(store.seen()).toEqual([1]);
  store.group.write(3);
  await store.group.committed();
  expect(store.seen()).toEqual([1, 3]);
});

test('a database that does not take the turns loses none: they are seen, and carried when it does', async () => {
  using store = open();
  store.group.write(1);
  await store.group.committed();
  store.group.write('orphan');
  await store.group.committed();
  store.group.carry();
  expect(store.told).toEqual(['delay: The record could not be stored']);
  expect(carried()).toEqual([]);
  expect(store.seen()).toEqual([1]);
  store.group.write('parent');
  await store.group.committed();
  expect(afterCrash((next) => next.seen())).toEqual([1]);
  store.group.carry();
  expect(carried()).toEqual([1]);
  expect(store.redo.size).toBe(0);
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
    /** The answer to a run, past what is told in between. */
    const answer = async (id: string) => {
      for (;;) {
        const line = await next();
        if (line.id === id) return line;
      }
    };
    const limit = (bytes: string) =>
      execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:`]);
    expect(await next()).toEqual({ ready: true });
    child.stdin.write('a\n');
    expect(await answer('a')).toMatchObject({ committed: true, found: true });
    limit('100000');
    child.stdin.write('b\n');
    expect(await answer('b')).toMatchObject({ committed: false, found: false });
    // Room for one more in the redo log and none in the database.
    limit('550000');
    child.stdin.write('c\n');
    expect(await answer('c')).toMatchObject({ committed: true, found: true });
    while (!('delayed' in (await next())));
    limit('unlimited');
    child.stdin.end('d\n');
    expect(await answer('d')).toMatchObject({ committed: true, found: true });
    await once(child, 'exit');
    const store = new InvocationStore(file);
    expect(store.list({ limit: 9 }).rows.map(({ id }) => id)).toEqual(['d', 'c', 'a']);
    store.close();
  },
);
