import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openToOthers, prepareDataDirectory } from '../../../src/disk/data-directory.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-data-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** A directory whose path has so many bytes. */
function ofLength(bytes: number): string {
  let path = place;
  while (bytes - path.length > 201) path = join(path, 'd'.repeat(bytes - path.length > 400 ? 200 : 100));
  return join(path, 'd'.repeat(bytes - path.length - 1));
}

test('a data directory is made with what runs rely on, and may be there already', () => {
  const dataDir = join(place, 'new', 'data');
  for (let n = 0; n < 2; n++) prepareDataDirectory(dataDir);
  expect(statSync(join(dataDir, 'empty')).size).toBe(0);
  expect(statSync(join(dataDir, 'runs')).mode & 0o777).toBe(0o700);
});

test('a data directory is closed to other users, and one that is not is named with what is open in it', () => {
  const dataDir = join(place, 'private');
  prepareDataDirectory(dataDir);
  new InvocationStore(join(dataDir, 'runwire.db')).close();
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(dataDir, 'runwire.db')).mode & 0o777).toBe(0o600);
  expect(openToOthers(dataDir)).toBeNull();
  chmodSync(dataDir, 0o755);
  expect(openToOthers(dataDir)).toBe(
    `the data directory ${dataDir} is open to other users of this machine: chmod -R go= it`,
  );
  chmodSync(join(dataDir, 'runwire.db'), 0o640);
  expect(openToOthers(dataDir)).toContain('of this machine, and so are runwire.db in it');
});

test('the longest path that is accepted is one that the database can be opened at, and a longer one is refused in words', () => {
  const longest = ofLength(493);
  prepareDataDirectory(longest);
  new InvocationStore(join(longest, 'runwire.db')).close();
  const longer = ofLength(494);
  expect(() => prepareDataDirectory(longer)).toThrow(
    'the path of the data directory is too long: 494 bytes, and at most 493 can be used',
  );
  mkdirSync(longer, { recursive: true });
  expect(() => new InvocationStore(join(longer, 'runwire.db'))).toThrow();
});

test('where no directory can be made the data directory is refused in words', () => {
  for (const dataDir of ['/proc/nope', '/proc/nope/deeper'])
    expect(() => prepareDataDirectory(dataDir)).toThrow(
      `the data directory ${dataDir} cannot be used: its file system makes no directories there`,
    );
});

test('what is in the way of a data directory is named', () => {
  const file = join(place, 'file');
  writeFileSync(file, '');
  for (const dataDir of [file, join(file, 'deeper')])
    expect(() => prepareDataDirectory(dataDir)).toThrow(
      `the data directory ${dataDir} cannot be used: ${file} is not a directory`,
    );
});

test('a link that leads nowhere, or in a circle, is named', () => {
  for (const [name, target] of [
    ['nowhere', '/no/such/place'],
    ['circle', 'circle'],
  ] as const) {
    const link = join(place, name);
    symlinkSync(target, link);
    for (const dataDir of [link, join(link, 'deeper')])
      expect(() => prepareDataDirectory(dataDir)).toThrow(
        `the data directory ${dataDir} cannot be used: ${link} is a link that leads nowhere`,
      );
  }
});

test('a directory that may not be written is refused in words', () => {
  const root = process.getuid?.() === 0;
  chmodSync(place, 0o555);
  if (root) process.seteuid?.(65534);
  try {
    for (const dataDir of [place, join(place, 'new')])
      expect(() => prepareDataDirectory(dataDir)).toThrow(
        `the data directory ${dataDir} cannot be used: permission denied`,
      );
  } finally {
    if (root) process.seteuid?.(0);
    chmodSync(place, 0o755);
  }
});
