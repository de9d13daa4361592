import { expect, test } from 'vitest';
import { inTurns } from '../../bench/rounds.ts';

test('Every side has its turn in each round, and each round begins with another', async () => {
  const order: string[] = [];
  const measured = await inTurns(['a', 'b', 'c'], 4, async (side) => order.push(side));
  expect(order.join('')).toBe('abcbcacababc');
  expect(measured.get('b')).toEqual([2, 4, 9, 11]);
});
