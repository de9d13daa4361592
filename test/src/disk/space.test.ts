import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { diskSpace } from '../../../src/disk/space.ts';
import { RunwireError } from '../../../src/documents/errors.ts';
import { requires } from '../../helpers/require.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-disk-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

/** Let so much time pass for what looks at the clock. */
function later(seconds: number): void {
  const now = performance.now() + seconds * 1000;
  vi.spyOn(performance, 'now').mockReturnValue(now);
}

test('a disk with more than the minimum takes more, and one with less says so', () => {
  expect(diskSpace(directory, 0).shortage()).toBeNull();
  expect(diskSpace(directory, 1024).shortage()).toBeNull();
  expect(diskSpace(directory, Number.MAX_SAFE_INTEGER).shortage()).toBe('there is not enough disk space');
});

test('a directory that is gone is a shortage and no exception, until it is back', () => {
  const disk = diskSpace(join(directory, 'none'), 0);
  expect(disk.shortage()).toBe('the storage of the server failed (ENOENT)');
});

test('a failed write is a shortage until the system is asked again', () => {
  const disk = diskSpace(directory, 0);
  expect(disk.shortage()).toBeNull();
  disk.failed(new RunwireError('insufficient_storage', 'the disk failed'));
  expect(disk.shortage()).toBe('the disk failed');
  later(2);
  expect(disk.shortage()).toBeNull();
});

test('room is held back for deletions, given away once, and held back again when there is enough', () => {
  const reserve = join(directory, 'reserve');
  const disk = diskSpace(directory, 0);
  disk.shortage();
  expect(statSync(reserve).size).toBeGreaterThan(100_000);
  disk.spendReserve();
  expect(existsSync(reserve)).toBe(false);
  later(2);
  disk.shortage();
  expect(existsSync(reserve)).toBe(true);
  unlinkSync(reserve);
});

test('the room that an earlier server held back is found', () => {
  diskSpace(directory, 0).shortage();
  const next = diskSpace(directory, 0);
  expect(next.shortage()).toBeNull();
  next.spendReserve();
  expect(existsSync(join(directory, 'reserve'))).toBe(false);
});

requires(
  'linux',
  'root',
  'mount',
)('A disk without room for more files', () => {
  test('is a shortage, although it has room for bytes', () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,nr_inodes=10', 'runwire-test', directory]);
    try {
      expect(diskSpace(directory, 0).shortage()).toBe('the disk of the server has no room for more files');
    } finally {
      execFileSync('umount', [directory]);
    }
  });
});
