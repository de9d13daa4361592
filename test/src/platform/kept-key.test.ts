import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keptKey } from '../../../src/platform/kept-key.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'runwire-key-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('a key is made once, for its owner alone', () => {
  const file = join(dir, 'deep', 'key');
  const key = keptKey(file);
  expect(key).toHaveLength(32);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(keptKey(file).equals(key)).toBe(true);
  chmodSync(file, 0o600);
  writeFileSync(file, 'short');
  expect(() => keptKey(file)).toThrow('damaged');
});

test("half a key that a crash left while it was made is in nobody's way", () => {
  const file = join(dir, 'torn');
  writeFileSync(`${file}.new`, 'half');
  const key = keptKey(file);
  expect(key).toHaveLength(32);
  expect(keptKey(file).equals(key)).toBe(true);
});

test('a key that cannot be made is named', () => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  expect(() => keptKey(join(file, 'key'))).toThrow(`${join(file, 'key')} cannot be made: `);
});
