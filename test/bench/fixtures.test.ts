import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monotonic } from '../../bench/clock.ts';
import { Installer } from '../../bench/install.ts';
import { programs, tenKilobytes } from '../../bench/program.ts';
import { requires } from '../helpers/require.ts';

const run = promisify(execFile);

test('The program with output prints 10 KB, and its last line last', () => {
  expect(tenKilobytes()).toHaveLength(10_240);
  const directory = mkdtempSync(join(tmpdir(), 'runwire-bench-'));
  const [, output] = programs(directory);
  rmSync(directory, { recursive: true });
  expect(tenKilobytes().trimEnd().split('\n').at(-1)).toBe(output?.lastLine);
});

requires('cc')('Programs of the bench in C', () => {
  const directory = mkdtempSync(join(tmpdir(), 'runwire-bench-'));
  let loop: string;
  let emitter: string;
  beforeAll(async () => {
    const installer = new Installer(directory, () => {});
    loop = await installer.compile('spawn-loop.c');
    emitter = await installer.compile('emitter.c');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('the floor runs a program over and over for its time, and tells how often', async () => {
    const { stdout } = await run(loop, ['3', '0.2', 'read', '/bin/echo', 'x']);
    const report = JSON.parse(stdout) as Record<string, number>;
    const { answered = 0, seconds = 0, p50 = 0, p99 = 0, max = 0 } = report;
    expect(answered).toBeGreaterThanOrEqual(3);
    expect(report.perSecond).toBeCloseTo(answered / seconds, 0);
    expect([p50, p99, max].toSorted((a, b) => a - b)).toEqual([p50, p99, max]);
  });

  test('the floor ends at a program that fails', async () => {
    await expect(run(loop, ['1', '5', 'discard', '/bin/false'])).rejects.toThrow('/bin/false failed');
    await expect(run(loop, ['1', '5', 'discard', '/nowhere'])).rejects.toThrow('posix_spawn');
  });

  test('the emitter prints whole writes, each with its time', async () => {
    const begin = monotonic();
    const { stdout } = await run(emitter, ['100', '10000', '0.1', String(begin)]);
    const end = monotonic();
    const times = [...stdout.matchAll(/^@(\d+) /gm)].map(([, time]) => Number(time));
    expect(times.length).toBeGreaterThanOrEqual(9);
    expect(stdout).toHaveLength(times.length * 100);
    expect(times.every((time) => time >= begin && time <= end)).toBe(true);
  });
});
