import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunDirectory, runDirectoryAt } from '../../../src/disk/run-directory.ts';
import { readEarlier } from '../../../src/journal/earlier.ts';
import { decodeLine } from '../../../src/journal/journal.ts';
import { Recorder } from '../../../src/journal/recorder.ts';

let directory: RunDirectory;
beforeEach(() => {
  directory = runDirectoryAt(mkdtempSync(join(tmpdir(), 'runwire-recorded-')));
});
afterEach(() => rmSync(directory.root, { recursive: true, force: true }));

const entries = () =>
  readFileSync(directory.journal, 'utf8')
    .split('\n')
    .flatMap((line) => decodeLine(Buffer.from(line))?.entry ?? []);

test('what nobody recorded is nothing to go on with', async () => {
  expect(await readEarlier(directory, 3)).toBeNull();
});

test('a second recorder goes on as if it were the first: bytes, seq, hash and half a character', async () => {
  const euro = Buffer.from('€');
  const first = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100 });
  first.write('stdout', Buffer.concat([Buffer.from('one '), euro.subarray(0, 2)]));
  first.progress({ message: 'here' });
  first.write('stderr', Buffer.from('e'));

  const recorded = await readEarlier(directory, 3);
  const second = new Recorder({ directory, firstSeq: 99, maxOutputBytes: 100, recorded });
  second.write('stdout', Buffer.concat([euro.subarray(2), Buffer.from(' two')]));
  const { stdout, stderr, nextSeq } = second.end();
  second.close();

  expect(readFileSync(directory.stdout, 'utf8')).toBe('one € two');
  expect(stdout).toEqual({
    bytes: 11,
    kept: 11,
    sha256: createHash('sha256').update('one € two').digest('hex'),
  });
  expect(stderr.bytes).toBe(1);
  expect(entries().map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
  expect(nextSeq).toBe(7);
  const told = entries().flatMap((entry) => (entry.type === 'stdout' ? [[entry.offset, entry.length]] : []));
  expect(told).toEqual([
    [0, 4],
    [4, 7],
  ]);
});

test('captured bytes that no event tells of are told of, and a torn line is cut off', async () => {
  const first = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100 });
  first.write('stdout', Buffer.from('told'));
  appendFileSync(directory.stdout, ' untold');
  appendFileSync(directory.journal, '{"seq":4,"ti');

  const second = new Recorder({
    directory,
    firstSeq: 3,
    maxOutputBytes: 100,
    recorded: await readEarlier(directory, 3),
  });
  second.write('stdout', Buffer.from('!'));
  expect(second.end().stdout.sha256).toBe(createHash('sha256').update('told untold!').digest('hex'));
  expect(entries()).toMatchObject([
    { seq: 3, offset: 0, length: 4 },
    { seq: 4, offset: 4, length: 7 },
    { seq: 5, offset: 11, length: 1 },
  ]);
});

test('a gap that was told is not told again', async () => {
  const first = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 2 });
  first.write('stdout', Buffer.from('12345'));
  first.end();
  const recorded = await readEarlier(directory, 3);
  const second = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 2, recorded });
  expect(second.end().stdout).toMatchObject({ bytes: 5, kept: 2 });
  const third = new Recorder({
    directory,
    firstSeq: 3,
    maxOutputBytes: 2,
    recorded: await readEarlier(directory, 3),
  });
  third.write('stdout', Buffer.from('67'));
  expect(third.end().stdout).toMatchObject({ bytes: 7, kept: 2 });
  expect(entries().filter(({ type }) => type === 'gap')).toMatchObject([
    { offset: 2, length: 3 },
    { offset: 5, length: 2 },
  ]);
});
