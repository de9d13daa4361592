import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvocationStore } from '../../../src/store/invocation-store.ts';

let directory: string;
let file: string;
let store: InvocationStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-totals-'));
  file = join(directory, 'runwire.db');
  store = new InvocationStore(file);
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

function insert(id: string): void {
  store.insert({
    ...{ id, status: 'pending', runtimeKind: 'k', runtimeName: 'n', createdAt: 1, startedAt: null },
    ...{ fingerprint: null, idempotencyKey: null, invocation: '{}' },
  });
}
const finish = (id: string, outputBytes: number): boolean =>
  store.finish(id, { status: 'succeeded', finishedAt: 2, result: '{}', outcome: '{}', outputBytes });

/** What somebody counts who knows nothing of what came and went. */
function counted() {
  store.close();
  const db = new DatabaseSync(file);
  const row = db
    .prepare(
      'SELECT count(*) AS count, coalesce(sum(output_bytes), 0) AS bytes FROM runs WHERE finished_at IS NOT NULL',
    )
    .get();
  db.close();
  store = new InvocationStore(file);
  return { ...row };
}

test('the totals follow what finishes, is removed and is put back, and not what does neither', () => {
  expect(store.finishedTotals()).toEqual({ count: 0, bytes: 0 });
  for (let n = 0; n < 10; n++) insert(`r${n}`);
  for (let n = 0; n < 8; n++) finish(`r${n}`, 10 ** n);
  expect(store.finishedTotals()).toEqual({ count: 8, bytes: 11_111_111 });
  expect([finish('r7', 5), store.remove('r9'), store.remove('nobody')]).toEqual([false, false, false]);
  expect(store.finishedTotals()).toEqual({ count: 8, bytes: 11_111_111 });
  const rows = store.rowsOf('r3');
  for (const id of ['r0', 'r3', 'r7']) store.remove(id);
  expect(store.remove('r3')).toBe(false);
  expect(store.finishedTotals()).toEqual({ count: 5, bytes: 1_110_110 });
  store.putBack(rows);
  const totals = store.finishedTotals();
  expect(totals).toEqual({ count: 6, bytes: 1_111_110 });
  expect(counted()).toEqual(totals);
  expect(store.finishedTotals()).toEqual(totals);
});

test('who changes what he was told changes nothing', () => {
  insert('a');
  finish('a', 3);
  store.finishedTotals().count = 99;
  expect(store.finishedTotals()).toEqual({ count: 1, bytes: 3 });
});

test('what was lost with its turn is not counted', async () => {
  insert('a');
  insert('b');
  finish('a', 3);
  expect(store.finishedTotals()).toEqual({ count: 1, bytes: 3 });
  await store.committed();
  finish('b', 40);
  store.remove('a');
  expect(store.finishedTotals()).toEqual({ count: 1, bytes: 40 });
  const committed = store.committed();
  expect(() => insert({} as string)).toThrow();
  await expect(committed).rejects.toThrow();
  expect(store.finishedTotals()).toEqual({ count: 1, bytes: 3 });
});
