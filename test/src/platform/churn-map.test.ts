import { expect, test } from 'vitest';
import { ChurnMap } from '../../../src/platform/churn-map.ts';

test('what was set is found, in order of insertion, until it is deleted', () => {
  const map = new ChurnMap<string, number>();
  map.set('b', 1);
  map.set('a', 2);
  map.set('b', 3);
  expect([...map]).toEqual([
    ['b', 3],
    ['a', 2],
  ]);
  expect([map.get('b'), map.get('c'), map.has('a'), map.has('c'), map.size]).toEqual([
    3,
    undefined,
    true,
    false,
    2,
  ]);
  expect([map.delete('b'), map.delete('b'), map.get('b'), map.size]).toEqual([true, false, undefined, 1]);
  expect([[...map.keys()], [...map.values()]]).toEqual([['a'], [2]]);
});

test('deleting while going through it leaves the others', () => {
  const map = new ChurnMap<number, string>();
  for (let n = 0; n < 10; n++) map.set(n, `v${n}`);
  const seen: number[] = [];
  for (const [n] of map) {
    seen.push(n);
    map.delete(n);
    map.delete(n + 1);
  }
  expect(seen).toEqual([0, 2, 4, 6, 8]);
  expect(map.size).toBe(0);
});
