import { expect, test } from 'vitest';
import { median, percentile, ratios, table } from '../../bench/statistics.ts';

test('The median is the middle, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 9])).toBe(3);
  expect(median([])).toBeNaN();
});

test('A percentile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 0.5)).toBe(51);
  expect(percentile(hundred, 0.99)).toBe(100);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
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
