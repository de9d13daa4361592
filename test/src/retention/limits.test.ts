import { expect, test } from 'vitest';
import { limitsInForce, type RetentionSettings } from '../../../src/retention/limits.ts';

const UNSET: RetentionSettings = {
  retentionSeconds: 'default',
  retentionCount: 'default',
  retentionBytes: 'default',
};
const GIB = 1024 ** 3;

test('what nobody sets is bounded in a new data directory, by number and a quarter of the disk, and not in an old one', () => {
  expect(limitsInForce(UNSET, 1, 100 * GIB)).toEqual({ seconds: null, count: 100_000, bytes: 25 * GIB });
  expect(limitsInForce(UNSET, 0, 100 * GIB)).toEqual({ seconds: null, count: null, bytes: null });
  // A later release made it: of its defaults these are known.
  expect(limitsInForce(UNSET, 2, 100 * GIB)).toEqual({ seconds: null, count: 100_000, bytes: 25 * GIB });
});

test('what is set holds in both, none too, and leaves the others as they are', () => {
  const set = { retentionSeconds: 60, retentionCount: null, retentionBytes: 0 };
  for (const defaults of [0, 1])
    expect(limitsInForce(set, defaults, GIB)).toEqual({ seconds: 60, count: null, bytes: 0 });
  expect(limitsInForce({ ...UNSET, retentionCount: null }, 1, 8)).toEqual({
    seconds: null,
    count: null,
    bytes: 2,
  });
  expect(limitsInForce({ ...UNSET, retentionCount: 5 }, 0, 8)).toEqual({
    seconds: null,
    count: 5,
    bytes: null,
  });
});

test('a disk of unknown size bounds no bytes', () => {
  expect(limitsInForce(UNSET, 1, null).bytes).toBeNull();
});
