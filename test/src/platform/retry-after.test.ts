import { expect, test } from 'vitest';
import { retryAfterMs } from '../../../src/platform/retry-after.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2030-01-01T00:00:00Z');
const seconds = (header: string | readonly string[] | undefined, now = NOW) =>
  retryAfterMs(header, DAY_MS, now) / 1000;

test.each([
  ['seconds', '40', 40],
  ['no seconds', '0', 0],
  ['leading zeros', '0040', 40],
  ['white space around', ' \t40 ', 40],
  ['a date', 'Tue, 01 Jan 2030 00:10:00 GMT', 600],
  ['a date of RFC 850', 'Tuesday, 01-Jan-30 00:10:00 GMT', 600],
  ['a date of asctime', 'Tue Jan  1 00:10:00 2030', 600],
  ['a date of asctime, two digits', 'Tue Jan 01 00:10:00 2030', 600],
  ['a leap second', 'Tue, 01 Jan 2030 00:10:60 GMT', 660],
])('%s is understood', (_what, header, wait) => {
  expect(seconds(header)).toBe(wait);
});

test.each([
  '',
  'abc',
  'soon',
  '40.5',
  '-3',
  '+3',
  '0x10',
  '1e3',
  '40 s',
  '4 0',
  'Infinity',
  '2030-01-01T00:10:00Z',
  'Tue, 1 Jan 2030 00:10:00 GMT',
  'Tue, 01 Jan 2030 00:10:00',
  'Tue, 01 Jan 2030 00:10:00 +0000',
  'tue, 01 jan 2030 00:10:00 gmt',
  'Tue, 01 Jan 2030 24:10:00 GMT',
  'Thu, 31 Feb 2030 00:10:00 GMT',
  'Tuesday, 01-Jan-2030 00:10:00 GMT',
  'Tue Jan 1 00:10:00 2030',
])('%j is ignored', (header) => {
  expect(seconds(header)).toBe(0);
});

test('a date that has gone by asks for no wait', () => {
  expect(seconds('Tue, 01 Jan 2019 00:10:00 GMT')).toBe(0);
  expect(seconds('Mon Dec 31 23:59:59 2029')).toBe(0);
});

test('two digits of a year are at most fifty years to come, else of the past', () => {
  expect(seconds('Saturday, 01-Jan-00 00:00:10 GMT', Date.UTC(2099, 11, 31, 23, 59, 50))).toBe(20);
  expect(retryAfterMs('Sunday, 01-Jan-80 00:00:00 GMT', Number.POSITIVE_INFINITY, NOW)).toBe(
    Date.UTC(2080, 0, 1) - NOW,
  );
  expect(seconds('Thursday, 01-Jan-81 00:00:00 GMT')).toBe(0);
});

test('no wait is longer than who asks allows, however much is asked for', () => {
  for (const header of ['86401', '9'.repeat(20), '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT'])
    expect(retryAfterMs(header, DAY_MS, NOW)).toBe(DAY_MS);
});

test('a header that is repeated counts once, however the repeats come', () => {
  expect(seconds(['40', '40'])).toBe(40);
  expect(seconds('40, 40,40')).toBe(40);
  const date = 'Tue, 01 Jan 2030 00:10:00 GMT';
  expect(seconds([date, date])).toBe(600);
  expect(seconds(`${date}, ${date}`)).toBe(600);
  expect(seconds('Tue Jan  1 00:10:00 2030, Tue Jan  1 00:10:00 2030')).toBe(600);
});

test('values that differ are all ignored', () => {
  expect(seconds(['40', '50'])).toBe(0);
  expect(seconds('40, 50')).toBe(0);
  expect(seconds(['40', 'Tue, 01 Jan 2030 00:10:00 GMT'])).toBe(0);
  expect(seconds('40, abc')).toBe(0);
  expect(seconds('Tue, 01 Jan 2030 00:10:00 GMT, Tue, 01 Jan 2030 00:20:00 GMT')).toBe(0);
});

test('no header asks for nothing', () => {
  expect(seconds(undefined)).toBe(0);
  expect(seconds([])).toBe(0);
});
