import { expect, test } from 'vitest';
import { median, ratios, table } from '../../bench/statistics.ts';

test('The median is the middle, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 9])).toBe(3);
  expect(median([])).toBeNaN();
});

test('Ratios are taken round by round', () => {
  expect(ratios([2, 30, 4], [1, 10, 4])).toEqual({ median: 2, min: 1, max: 3 });
});

test('A table has its first column to the left and the others to the right', () => {
  expect(
    table([
      ['name', 'req/s'],
      ['a', '1'],
    ]),
  ).toBe('name  req/s\na         1');
});
