import { hash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Contents } from '../../../src/contents/contents.ts';
import { Keeping } from '../../../src/contents/keep-file.ts';
import { sweepContents } from '../../../src/contents/sweep.ts';

let base: string;
let contents: Contents;

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'runwire-contents-'));
  contents = new Contents(base);
});

afterEach(() => fs.rmSync(base, { recursive: true }));

const given = (bytes: Buffer | string): number => {
  fs.writeFileSync(join(base, 'given'), bytes);
  return fs.openSync(join(base, 'given'), 'r');
};

test('bytes are kept once under their hash, small or large, and only their owner may read them', () => {
  const keeping = new Keeping(contents);
  for (const bytes of [
    '',
    'small',
    Buffer.alloc(1024 * 1024, 'a'),
    Buffer.alloc(1024 * 1024 + 1, 'b'),
    Buffer.alloc(3_500_000, 'c'),
  ]) {
    const fd = given(bytes);
    const sha256 = hash('sha256', bytes, 'hex');
    for (let times = 0; times < 2; times++)
      expect(keeping.keep(fd, bytes.length)).toEqual({ sha256, size: bytes.length });
    fs.closeSync(fd);
    const kept = contents.open(sha256) ?? -1;
    expect(fs.fstatSync(kept).mode & 0o777).toBe(0o400);
    expect(fs.readFileSync(kept).equals(Buffer.from(bytes))).toBe(true);
    fs.closeSync(kept);
  }
  expect(fs.readdirSync(join(base, 'contents/new'))).toEqual([]);
  expect(fs.statSync(join(base, 'contents/new')).mode & 0o077).toBe(0);
});

test('the hash is of what was kept, whatever size the file was said to have', () => {
  const keeping = new Keeping(contents);
  const fd = given('longer than that');
  expect(keeping.keep(fd, 3)).toEqual({ sha256: hash('sha256', 'longer than that', 'hex'), size: 16 });
  expect(keeping.keep(fd, 100)).toEqual({ sha256: hash('sha256', 'longer than that', 'hex'), size: 16 });
  fs.closeSync(fd);
});

test('one that a power cut made shorter is kept anew', () => {
  const keeping = new Keeping(contents);
  const { sha256 } = keeping.keepBytes(Buffer.from('whole'));
  fs.chmodSync(contents.path(sha256), 0o600);
  fs.truncateSync(contents.path(sha256), 2);
  expect(contents.has(sha256, 5)).toBe(false);
  keeping.keepBytes(Buffer.from('whole'));
  expect(fs.readFileSync(contents.path(sha256), 'utf8')).toBe('whole');
});

test('what is given up in the midst leaves nothing', () => {
  let calls = 0;
  const keeping = new Keeping(contents, () => {
    if (++calls === 4) throw new Error('given up');
  });
  const fd = given(Buffer.alloc(8_000_000, 'x'));
  expect(() => keeping.keep(fd, 8_000_000)).toThrow('given up');
  fs.closeSync(fd);
  expect(fs.readdirSync(join(base, 'contents'), { recursive: true })).toEqual(['new']);
});

test('a sweep removes what is not held, and whoever knew the stamp sees it', () => {
  const keeping = new Keeping(contents);
  const [a, b] = ['a', 'bb'].map((text) => keeping.keepBytes(Buffer.from(text)).sha256) as [string, string];
  const stamp = contents.stamp();
  expect(sweepContents(contents, new Set([a]), () => {})).toEqual({ removed: 1, bytes: 2 });
  expect([contents.has(a, 1), contents.has(b, 2)]).toEqual([true, false]);
  expect(contents.stamp()).not.toBe(stamp);
  expect(contents.stamp()).toBe(contents.stamp());
});

test('names that are no hashes lead nowhere', () => {
  for (const name of ['', '..', '../given', 'swept', 'A'.repeat(64)]) expect(contents.open(name)).toBe(null);
});
