import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FileClock } from '../../../src/snapshots/clock.ts';

/** As of a file system whose clock goes on every 20 ms only. */
const TICK_MS = 20;

// No file system here has such a clock: the files are real, and of their times the rest is taken away.
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const fstatSync = (fd: number): fs.Stats => {
    const stats = real.fstatSync(fd);
    return Object.assign(stats, { ctimeMs: Math.floor(stats.ctimeMs / TICK_MS) * TICK_MS });
  };
  return { ...real, fstatSync, default: { ...real, fstatSync } };
});

let base: string;
let clock: FileClock;

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'runwire-clock-'));
  clock = new FileClock(join(base, 'index'));
});
afterEach(() => {
  clock.close();
  fs.rmSync(base, { recursive: true });
});

function write(): fs.Stats {
  const fd = fs.openSync(join(base, 'file'), 'w');
  fs.writeSync(fd, 'x');
  const stats = fs.fstatSync(fd);
  fs.closeSync(fd);
  return stats;
}

test('a file that was changed in this tick of a coarse clock is believed once the next one has come', () => {
  for (let round = 0; round < 20; round++) {
    const before = write();
    expect(clock.passes(before)).toBe(true);
    expect(write().ctimeMs).toBeGreaterThan(before.ctimeMs);
  }
});

test('what lies on another file system, or ahead of the clock, is not believed', () => {
  const stats = write();
  expect(clock.passes({ dev: stats.dev + 1, ctimeMs: 0 })).toBe(false);
  expect(clock.passes({ dev: stats.dev, ctimeMs: Date.now() + 3_600_000 })).toBe(false);
  expect(clock.passes({ dev: stats.dev, ctimeMs: 0 })).toBe(true);
  expect(fs.readdirSync(base)).toEqual(['file']);
});
