import { expect, test } from 'vitest';
import { backoffMs, longestMs } from '../../../src/platform/backoff.ts';

const backoff = { firstMs: 100, factor: 2, maxMs: 1000, jitter: 0.5 };
const waits = (random: number, given = backoff) =>
  [0, 1, 2, 3, 4, 5, 5000].map((n) => backoffMs(given, n, () => random));

test('each wait is a multiple of the one before, up to the longest', () => {
  expect(waits(0)).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
});

test('a random part of itself makes a wait longer', () => {
  expect(waits(1)).toEqual([150, 300, 600, 1200, 1500, 1500, 1500]);
  expect(longestMs(backoff)).toBe(1500);
});

test('no wait grows from none, after however many', () => {
  expect(waits(1, { ...backoff, firstMs: 0 })).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

test('a factor of one makes equal waits', () => {
  expect(waits(0, { ...backoff, factor: 1 })).toEqual([100, 100, 100, 100, 100, 100, 100]);
});
