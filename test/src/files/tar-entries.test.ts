import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BadName } from '../../../src/files/names.ts';
import { BadTar, tarEntries } from '../../../src/files/tar-entries.ts';
import { tarHead } from '../../../src/files/tar-head.ts';
import { pieces } from '../../helpers/pieces.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-tar-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const tar = (...words: string[]): Buffer =>
  execFileSync('tar', ['c', '--sort=name', ...words], { cwd: place, maxBuffer: 10_000_000 });

async function read(bytes: Buffer, length = 1000) {
  const entries: Record<
    string,
    [type: string, mode: number, seconds: number, target: string, content: Buffer]
  > = {};
  for await (const { name, type, mode, modified, target, content } of tarEntries(pieces(bytes, length))) {
    const parts: Buffer[] = [];
    if (Buffer.isBuffer(content)) parts.push(Buffer.from(content));
    else for await (const piece of content) parts.push(Buffer.from(piece));
    entries[name] = [type, mode, modified.getTime() / 1000, target, Buffer.concat(parts)];
  }
  return entries;
}

test.each(['v7', 'oldgnu', 'gnu', 'ustar', 'posix'])('what GNU tar writes as %s is read', async (format) => {
  const contents = { empty: 0, one: 1, block: 512, more: 513, large: 70_000 };
  const long = format === 'v7' ? 'd/e' : `${'d'.repeat(90)}/${'e'.repeat(90)}`;
  mkdirSync(join(place, long), { recursive: true });
  const expected: Awaited<ReturnType<typeof read>> = {};
  const stamp = (path: string, seconds: number): void => utimesSync(join(place, path), seconds, seconds);
  for (const [name, length] of Object.entries(contents)) {
    const content = randomBytes(length);
    writeFileSync(join(place, long, name), content, { mode: 0o640 });
    stamp(`${long}/${name}`, 1_000_000_000);
    expected[`${long}/${name}`] = ['file', 0o640, 1_000_000_000, '', content];
  }
  symlinkSync('elsewhere', join(place, 'link'));
  const bytes = tar(`--format=${format}`, long, 'link');
  for (const length of [1, 100, 511, 512, 513, 100_000]) {
    const found = await read(bytes, length);
    expect(found).toMatchObject(expected);
    expect(found.link).toMatchObject(['link', 0o777, expect.any(Number), 'elsewhere', Buffer.alloc(0)]);
    expect(found[`${long}/`]?.[0]).toBe('directory');
    expect(Object.keys(found)).toHaveLength(7);
  }
});

test('names, links and times that have an extended header are read, whoever wrote it', async () => {
  const path = `${'ü'.repeat(60)}/☃`;
  mkdirSync(join(place, 'ü'.repeat(60)));
  writeFileSync(join(place, path), 'snow');
  const early = new Date(-86_400_000);
  utimesSync(join(place, path), early, early);
  symlinkSync('t'.repeat(150), join(place, 'link'));
  for (const format of ['gnu', 'posix']) {
    const found = await read(tar(`--format=${format}`, path, 'link'));
    expect(found[path]).toMatchObject(['file', 0o644, -86_400, '', Buffer.from('snow')]);
    expect(found.link?.[3]).toBe('t'.repeat(150));
  }
  const head = { type: 'file', size: 4, mode: 0o644, modified: early } as const;
  const own = Buffer.concat([tarHead({ name: path, ...head }), Buffer.from('snow'), Buffer.alloc(508)]);
  expect(await read(own)).toEqual({ [path]: ['file', 0o644, -86_400, '', Buffer.from('snow')] });
});

test('a second name is told as what it is', async () => {
  writeFileSync(join(place, 'a'), 'x');
  execFileSync('ln', ['a', 'b'], { cwd: place });
  expect((await read(tar('a', 'b'))).b).toMatchObject([
    'hard link',
    0o644,
    expect.any(Number),
    'a',
    Buffer.alloc(0),
  ]);
});

test.each(['gnu', 'posix'])('a sparse file is refused and not unpacked as another (%s)', async (format) => {
  writeFileSync(join(place, 'holes'), 'x');
  truncateSync(join(place, 'holes'), 1_000_000);
  const reading = read(tar('--sparse', `--format=${format}`, 'holes'));
  await expect(reading).rejects.toBeInstanceOf(BadName);
  await expect(reading).rejects.toThrow('"holes" is');
});

test('a line of an extended header that is longer than that is none', async () => {
  writeFileSync(join(place, 'n'.repeat(120)), 'content');
  const bytes = tar('--format=posix', '--pax-option=delete=atime,delete=ctime,delete=mtime', 'n'.repeat(120));
  expect(bytes.toString('latin1', 512, 521)).toBe('130 path=');
  expect(Object.keys(await read(bytes))).toEqual(['n'.repeat(120)]);
  bytes.write('9', 512);
  await expect(read(bytes)).rejects.toThrow(BadTar);
  bytes.write('129', 512);
  await expect(read(bytes)).rejects.toThrow(BadTar);
});

test('one that breaks off is never taken for whole', async () => {
  writeFileSync(join(place, 'a'), randomBytes(1000));
  const bytes = tar('--format=posix', 'a');
  // To where the contents are whole; the rest are empty blocks.
  const end = bytes.findLastIndex((byte) => byte !== 0);
  for (let length = 1; length < end; length += 37)
    await expect(read(bytes.subarray(0, length)), `${length}`).rejects.toBeInstanceOf(BadTar);
});

test.each([
  ['a broken sum', (bytes: Buffer) => bytes.fill('x', 0, 1), 'broken'],
  ['a size that is none', (bytes: Buffer) => bytes.fill('9', 124, 130), 'size'],
  ['a size below nothing', (bytes: Buffer) => bytes.fill(0xff, 124, 136), 'size'],
])('%s is refused', async (_what, damage, words) => {
  writeFileSync(join(place, 'a'), 'x');
  const bytes = tar('--format=ustar', 'a');
  damage(bytes);
  if (words !== 'broken') {
    bytes.fill(' ', 148, 156);
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0`, 148);
  }
  await expect(read(bytes)).rejects.toThrow(words);
});
