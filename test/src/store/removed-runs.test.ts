import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RemovedRuns } from '../../../src/store/removed-runs.ts';
import { MIGRATIONS } from '../../../src/store/schema.ts';

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS) db.exec(migration);
});
afterEach(() => db.close());

const known = (removed: RemovedRuns, ids: string): string =>
  [...ids].filter((id) => removed.get(id) !== undefined).join('');

test('the last removals are remembered, and no more of them, over restarts', () => {
  const first = new RemovedRuns(db, 3);
  for (const id of 'abcd') first.add(id, { removedAt: 1, reason: 'retention' });
  expect(known(first, 'abcdx')).toBe('bcd');
  const second = new RemovedRuns(db, 3);
  second.add('e', { removedAt: 2, reason: 'deleted' });
  expect(known(second, 'abcde')).toBe('cde');
  expect(second.get('e')).toEqual({ removedAt: 2, reason: 'deleted' });
  expect(db.prepare('SELECT count(*) AS n FROM removed').get()).toEqual({ n: 3 });
});

test('of runs with the same id the last removal is told', () => {
  const removed = new RemovedRuns(db, 3);
  for (const [id, removedAt] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['c', 4],
  ] as const)
    removed.add(id, { removedAt, reason: 'deleted' });
  expect(removed.get('a')).toEqual({ removedAt: 3, reason: 'deleted' });
  expect(known(removed, 'abc')).toBe('abc');
});
