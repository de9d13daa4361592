import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { delayMs, SCHEDULE } from '../../../src/webhooks/schedule.ts';

const at = (attempts: number, retryAfter?: string, random = 0) =>
  delayMs(SCHEDULE, attempts, retryAfter, Date.parse('2030-01-01T00:00:00Z'), () => random) / 1000;
const waits = Array.from({ length: SCHEDULE.attempts - 1 }, (_, before) => at(before + 1));

test('waits grow fourfold up to six hours, and the documentation lists them', async () => {
  expect(waits).toEqual([5, 20, 80, 320, 1280, 5120, 20480, 21600, 21600]);
  const page = await readFile(join(import.meta.dirname, '../../../docs/on-finish.md'), 'utf8');
  for (const [before, seconds] of waits.entries()) expect(page).toContain(`| ${before + 2} | ${seconds} s`);
});

test('a random part makes a wait longer by at most a fifth', () => {
  expect(at(2, undefined, 1)).toBe(24);
});

test.each([
  ['60', 60],
  ['1', 5],
  ['999999999', 21600],
  ['Tue, 01 Jan 2030 00:10:00 GMT', 600],
  ['soon', 5],
])('Retry-After: %s makes the first wait %d s', (retryAfter, seconds) => {
  expect(at(1, retryAfter)).toBe(seconds);
});
