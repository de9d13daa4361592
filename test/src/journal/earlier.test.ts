import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RunDirectory, runDirectoryAt } from '../../../src/disk/run-directory.ts';
import { byChannel } from '../../../src/documents/outcome.ts';
import { CHANNELS, PHASES, STREAMS } from '../../../src/documents/stream.ts';
import { readEarlier } from '../../../src/journal/earlier.ts';
import { channelOfEntry, decodeLine, isOfChannel } from '../../../src/journal/journal.ts';
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

test('a second recorder goes on in four captures, with half a character in each', async () => {
  const euro = Buffer.from('€');
  const first = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100 });
  for (const phase of PHASES)
    for (const stream of STREAMS)
      first.write(stream, Buffer.concat([Buffer.from(`${phase} `), euro.subarray(0, 2)]), phase);

  const recorded = await readEarlier(directory, 3);
  const second = new Recorder({ directory, firstSeq: 99, maxOutputBytes: 100, recorded });
  for (const stream of STREAMS) for (const phase of PHASES) second.write(stream, euro.subarray(2), phase);
  const facts = byChannel(second.end());
  second.close();

  for (const channel of CHANNELS) {
    const text = `${channel.startsWith('setup') ? 'setup' : 'command'} €`;
    expect(readFileSync(directory[channel], 'utf8')).toBe(text);
    expect(facts[channel]?.sha256).toBe(createHash('sha256').update(text).digest('hex'));
    const told = entries().filter((entry) => isOfChannel(entry) && channelOfEntry(entry) === channel);
    expect(told).toHaveLength(2);
  }
});

test('what setup captured and no event tells of is told, as setup’s', async () => {
  const first = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100 });
  first.write('stderr', Buffer.from([0xe2]), 'setup'); // held: the journal is empty

  const recorded = await readEarlier(directory, 3);
  const second = new Recorder({ directory, firstSeq: 99, maxOutputBytes: 100, recorded });
  const { setup, stderr, nextSeq } = second.end();
  second.close();

  expect(entries()).toMatchObject([{ seq: 3, type: 'stderr', phase: 'setup', offset: 0, length: 1 }]);
  expect(nextSeq).toBe(4);
  expect(setup).toMatchObject({ stdout: { bytes: 0 }, stderr: { bytes: 1, kept: 1 } });
  expect(stderr.bytes).toBe(0);
});

test('a file of setup without a journal, as a power cut may leave it, is nothing, and does not come back', async () => {
  writeFileSync(directory.setup_stdout, 'stray bytes');
  const recorded = await readEarlier(directory, 3);
  expect(recorded).toBeNull();
  const recorder = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100, recorded });
  recorder.write('stdout', Buffer.from('new'), 'setup');
  recorder.end();
  recorder.close();
  expect(readFileSync(directory.setup_stdout, 'utf8')).toBe('new');
});

test('captures of setup that were lost are gaps of setup', async () => {
  const first = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100 });
  first.write('stdout', Buffer.from('gone'), 'setup');
  first.write('stdout', Buffer.from('here'));
  rmSync(directory.setup_stdout);

  const recorded = await readEarlier(directory, 3);
  const second = new Recorder({ directory, firstSeq: 99, maxOutputBytes: 100, recorded });
  const { setup, stdout, loss } = second.end();
  second.close();

  expect(entries()).toMatchObject([
    { seq: 3, type: 'gap', stream: 'stdout', phase: 'setup', offset: 0, length: 4, reason: 'storage' },
    { seq: 4, type: 'stdout', phase: 'command', offset: 0, length: 4 },
  ]);
  expect(setup?.stdout).toMatchObject({ bytes: 4, kept: 0 });
  expect(stdout).toMatchObject({ bytes: 4, kept: 4 });
  expect(loss).not.toBeNull();
});

describe('A journal in which setup shares the captures of the command, as releases before wrote it', () => {
  const line = (open: string): string => `${open},"crc":${crc32(open)}}\n`;
  const BEFORE = [
    line(`{"seq":3,"time":1,"type":"stdout","phase":"setup","offset":0,"length":6,"sum":${crc32('ready ')}`),
    line(`{"seq":4,"time":2,"type":"stdout","phase":"command","offset":6,"length":4,"sum":${crc32('work')}`),
    '{"seq":5,"time":3,"type":"stderr","phase":"setup","offset":0,"length":3}\n',
  ].join('');
  beforeEach(() => {
    writeFileSync(directory.journal, BEFORE);
    writeFileSync(directory.stdout, 'ready work');
    writeFileSync(directory.stderr, 'err');
  });

  test('is read as it was, and changed in nothing', async () => {
    const recorded = await readEarlier(directory, 3);
    const next = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100, recorded });
    const facts = next.end();
    next.close();
    expect(facts).not.toHaveProperty('setup');
    expect(facts).toMatchObject({
      stdout: { bytes: 10, kept: 10 },
      stderr: { bytes: 3, kept: 3 },
      loss: null,
    });
    expect(readFileSync(directory.journal, 'utf8')).toBe(BEFORE);
  });

  test('goes on so: its worker counts both phases together', async () => {
    const recorded = await readEarlier(directory, 3);
    const next = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100, recorded });
    expect(next.captured('stdout', 'setup').bytes).toBe(10);
    next.write('stdout', Buffer.from('more'), 'setup');
    const facts = next.end();
    next.close();
    expect(readFileSync(directory.stdout, 'utf8')).toBe('ready workmore');
    expect(readFileSync(directory.journal, 'utf8')).toContain(
      '"type":"stdout","phase":"setup","offset":10,"length":4,',
    );
    expect(facts).not.toHaveProperty('setup');
  });

  test('has a gap of the command’s capture where bytes were lost', async () => {
    truncateSync(directory.stderr, 1);
    await readEarlier(directory, 3);
    const gap = { seq: 5, time: 3, type: 'gap', stream: 'stderr', offset: 0, length: 3, reason: 'storage' };
    expect(entries().at(-1)).toEqual(gap);
  });
});
