import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogLines } from '../../../src/command/log-lines.ts';

let directory: string;
let file: string;
let fd: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-lines-'));
  file = join(directory, 'log');
  fd = openSync(file, 'a');
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

const written = (): string => readFileSync(file, 'utf8');

test('lines come whole and in order, a few after a moment, many at once', async () => {
  const lines = new LogLines(fd);
  lines.write('first\n');
  expect(written()).toBe('');
  await expect.poll(written).toBe('first\n');
  const many = Array.from({ length: 3000 }, (_, index) => `line ${index} é\n`);
  for (const line of many) lines.write(line);
  await expect.poll(written).toBe(`first\n${many.join('')}`);
});

test('at the end all that waits is written', () => {
  const lines = new LogLines(fd);
  lines.write('a\n');
  lines.write('b\n');
  lines.end();
  expect(written()).toBe('a\nb\n');
});

test('a full disk loses lines and nothing else, and holds no end', async () => {
  const full = openSync('/dev/full', 'w');
  const lines = new LogLines(full);
  for (let count = 0; count < 10; count++) {
    lines.write(`${'x'.repeat(10_000)}\n`);
    await new Promise(setImmediate);
  }
  lines.write('last\n');
  lines.end();
  closeSync(full);
});
