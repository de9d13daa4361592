import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepCopy } from '../../../src/artifacts/copy.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runwire-copy-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function keep(bytes: Buffer, limit: number, signal?: AbortSignal) {
  writeFileSync(join(dir, 'source'), bytes);
  const source = await open(join(dir, 'source'));
  return keepCopy(source, limit, join(dir, 'copy'), signal).finally(() => source.close());
}

test.each([0, 3, 5, 300_000, 2_000_000])(
  'a file that has grown gives only its first %d bytes',
  async (limit) => {
    const bytes = Buffer.alloc(limit + 1000, 'abc');
    expect((await keep(bytes, limit)).sizeBytes).toBe(limit);
    expect(readFileSync(join(dir, 'copy')).equals(bytes.subarray(0, limit))).toBe(true);
  },
);

test.each([10, 2_000_000])('a file that was cut below %d bytes gives what it still has', async (limit) => {
  expect((await keep(Buffer.from('short'), limit)).sizeBytes).toBe(5);
  expect(readFileSync(join(dir, 'copy'), 'utf8')).toBe('short');
});

test('an older copy is replaced and only its owner may read it', async () => {
  writeFileSync(join(dir, 'copy'), 'older and longer', { mode: 0o600 });
  await keep(Buffer.from('new'), 3);
  expect(readFileSync(join(dir, 'copy'), 'utf8')).toBe('new');
  expect(statSync(join(dir, 'copy')).mode & 0o777).toBe(0o600);
});

test('a copy that is stopped leaves nothing', async () => {
  await expect(keep(Buffer.from('x'), 1, AbortSignal.abort())).rejects.toThrow();
  expect(existsSync(join(dir, 'copy'))).toBe(false);
});
