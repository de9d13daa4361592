import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunDirectory, runDirectory } from '../../../src/disk/run-directory.ts';
import { byChannel } from '../../../src/documents/outcome.ts';
import { CHANNELS, channelOf, PHASES, STREAMS } from '../../../src/documents/stream.ts';
import { MAX_EVENT_BYTES } from '../../../src/journal/event-lengths.ts';
import { channelOfEntry, decodeLine, isOfChannel, type JournalEntry } from '../../../src/journal/journal.ts';
import { Recorder } from '../../../src/journal/recorder.ts';
import { writeStep } from '../../helpers/recorded-run.ts';
import { cut } from '../../properties/steps.ts';

let dataDir: string;
let directory: RunDirectory;
let count = 0;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-recorder-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function recorder(maxOutputBytes = Number.POSITIVE_INFINITY): Recorder {
  directory = runDirectory(dataDir, `run-${count++}`);
  mkdirSync(directory.root, { recursive: true });
  return new Recorder({ directory, firstSeq: 3, maxOutputBytes });
}

function journal(): JournalEntry[] {
  return readFileSync(directory.journal, 'utf8')
    .split('\n')
    .flatMap((line) => decodeLine(Buffer.from(line))?.entry ?? []);
}

test('however output is cut into writes, events join to the capture and count on from the first seq', () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const write = fc.tuple(fc.constantFrom(...STREAMS), fc.constantFrom(...PHASES), chunk);
  fc.assert(
    fc.property(fc.array(write, { minLength: 1 }), fc.nat(200), (writes, limit) => {
      const written = recorder(limit);
      for (const [stream, phase, bytes] of writes) written.write(stream, Buffer.from(bytes), phase);
      const facts = written.end();
      written.close();
      const entries = journal();
      expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 3));
      expect(facts.nextSeq).toBe(entries.length + 3);
      const hadSetup = writes.some(([, phase]) => phase === 'setup');
      expect(facts.setup !== undefined).toBe(hadSetup);
      for (const channel of hadSetup ? CHANNELS : STREAMS) {
        const all = Buffer.concat(
          writes.flatMap(([stream, phase, bytes]) => (channelOf(stream, phase) === channel ? [bytes] : [])),
        );
        const kept = all.subarray(0, limit);
        let told = 0;
        for (const entry of entries)
          if (isOfChannel(entry) && channelOfEntry(entry) === channel) {
            expect(entry.offset).toBe(told);
            told += entry.length;
          }
        expect(told).toBe(all.length);
        if (kept.length > 0) expect(readFileSync(directory[channel]).equals(kept)).toBe(true);
        const sha256 = createHash('sha256').update(kept).digest('hex');
        expect(byChannel(facts)[channel]).toEqual({ bytes: all.length, kept: kept.length, sha256 });
      }
    }),
    { numRuns: 60 },
  );
});

test('text that is cut anywhere is whole characters in each channel, however phases take turns', () => {
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
    .map((value) => value.toWellFormed());
  const places = fc.array(fc.nat(1000), { maxLength: 8 });
  fc.assert(
    fc.property(
      fc.tuple(text, text, text, text),
      places,
      fc.infiniteStream(fc.nat(3)),
      (texts, at, turns) => {
        const written = recorder();
        const left = CHANNELS.map((channel, n) => ({
          channel,
          pieces: cut(Buffer.from(texts[n] ?? ''), at),
        }));
        while (left.some(({ pieces }) => pieces.length > 0)) {
          const { channel, pieces } = left[turns.next().value] ?? { channel: 'stdout', pieces: [] };
          const bytes = pieces.shift();
          if (bytes) writeStep(written, { write: channel, bytes });
        }
        written.end();
        written.close();
        for (const [n, channel] of CHANNELS.entries()) {
          const bytes = readFileSync(directory[channel]);
          const told = journal().flatMap((entry) =>
            isOfChannel(entry) && channelOfEntry(entry) === channel
              ? [bytes.subarray(entry.offset, entry.offset + entry.length)]
              : [],
          );
          expect(told.every((part) => isUtf8(part))).toBe(true);
          expect(Buffer.concat(told).toString()).toBe(texts[n]);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a run without a setup has no files of one; one that has is told to have one also when it wrote nothing', () => {
  const silent = recorder();
  silent.write('stdout', Buffer.from('x'));
  expect(silent.captured('stdout', 'setup')).toMatchObject({ bytes: 0, kept: 0 });
  expect(silent.end()).not.toHaveProperty('setup');
  silent.close();
  expect(readdirSync(directory.root).toSorted()).toEqual(['journal', 'stdout']);

  const told = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 9, setup: true });
  const { setup } = told.end();
  told.close();
  const empty = { bytes: 0, kept: 0, sha256: createHash('sha256').digest('hex') };
  expect(setup).toEqual({ stdout: empty, stderr: empty });
});

const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // that of the listing itself
    }
  });

test('what setup left unfinished is told when setup is over, and each phase has the whole limit', () => {
  const written = recorder(4);
  written.write('stdout', Buffer.from([0x61, 0xe2, 0x82]), 'setup');
  written.write('stdout', Buffer.from([0xe2]), 'command');
  expect(openFiles()).toContain(directory.setup_stdout);
  written.complete('setup');
  expect(openFiles()).not.toContain(directory.setup_stdout);
  written.write('stdout', Buffer.from('abcd'), 'setup');
  written.write('stdout', Buffer.from([0x82, 0xac]), 'command');
  const { stdout, setup } = written.end();
  written.close();
  expect(journal().map(({ seq, time, ...rest }) => rest)).toMatchObject([
    { type: 'stdout', phase: 'setup', offset: 0, length: 1 },
    { type: 'stdout', phase: 'setup', offset: 1, length: 2 },
    { type: 'stdout', phase: 'setup', offset: 3, length: 1 },
    { type: 'gap', stream: 'stdout', phase: 'setup', offset: 4, length: 3, reason: 'output_limit' },
    { type: 'stdout', phase: 'command', offset: 0, length: 3 },
  ]);
  expect(stdout).toMatchObject({ bytes: 3, kept: 3 });
  expect(setup?.stdout).toMatchObject({ bytes: 7, kept: 4 });
  expect(setup?.stderr).toMatchObject({ bytes: 0, kept: 0 });
  expect(readFileSync(directory.setup_stdout)).toEqual(Buffer.from([0x61, 0xe2, 0x82, 0x61]));
});

test('a character that is cut by two writes is one event', () => {
  const written = recorder();
  const bytes = Buffer.from('€');
  written.write('stdout', bytes.subarray(0, 1));
  written.write('stdout', bytes.subarray(1, 2));
  written.write('stdout', bytes.subarray(2));
  written.end();
  written.close();
  expect(journal()).toMatchObject([{ seq: 3, type: 'stdout', offset: 0, length: 3 }]);
});

test('a character that is never finished is told at the end', () => {
  const written = recorder();
  written.write('stdout', Buffer.from([0x61, 0xe2, 0x82]));
  written.end();
  written.close();
  expect(journal()).toMatchObject([{ length: 1 }, { offset: 1, length: 2 }]);
});

test('a large write is cut into events of a comfortable size', () => {
  const written = recorder();
  written.write('stdout', Buffer.from('€'.repeat(100_000)));
  written.end();
  written.close();
  for (const entry of journal()) {
    expect('length' in entry && entry.length).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    expect('length' in entry && entry.length % 3).toBe(0);
  }
});

/** Nothing can be opened for writing where a directory is. */
function blocked(file: 'journal' | 'stdout'): { free(): void } {
  mkdirSync(directory[file]);
  return { free: () => rmSync(directory[file], { recursive: true }) };
}

test('a write that the journal does not take has taken nothing: who sends it again loses nothing and repeats nothing', () => {
  const written = recorder();
  const journalFull = blocked('journal');
  expect(() => written.write('stdout', Buffer.from('one '))).toThrow();
  expect(() => written.progress({ message: 'never written' })).toThrow();
  expect(written.captured('stdout')).toMatchObject({ bytes: 0, kept: 0 });
  journalFull.free();
  written.write('stdout', Buffer.from('one '));
  written.write('stdout', Buffer.from('two'));
  const facts = written.end();
  written.close();
  expect(readFileSync(directory.stdout, 'utf8')).toBe('one two');
  expect(journal()).toMatchObject([
    { seq: 3, type: 'stdout', offset: 0, length: 4 },
    { seq: 4, type: 'stdout', offset: 4, length: 3 },
  ]);
  expect(facts).toMatchObject({ nextSeq: 5, loss: null, stdout: { bytes: 7, kept: 7 } });
});

test('output that nobody sends again and that the storage does not take is counted, with all that follows, and said', () => {
  const written = recorder();
  expect(written.take('stderr', Buffer.from('err'))).toBe(true);
  const captureFull = blocked('stdout');
  expect(written.take('stdout', Buffer.from('lost '))).toBe(false);
  captureFull.free();
  expect(written.take('stdout', Buffer.from('after'))).toBe(false);
  expect(written.take('stderr', Buffer.from('or'))).toBe(true);
  const { stdout, stderr, loss, nextSeq } = written.end();
  written.close();
  const nothing = createHash('sha256').digest('hex');
  const gap = { offset: 0, length: 10, reason: 'storage' };
  expect(stdout).toEqual({ bytes: 10, kept: 0, sha256: nothing, gap });
  expect(stderr).toEqual({
    bytes: 5,
    kept: 5,
    sha256: createHash('sha256').update('error').digest('hex'),
  });
  expect(loss).toContain('EISDIR');
  expect(nextSeq).toBe(5);
});

test('what the journal does not tell of at the end is cut off the capture, or told by the facts', () => {
  const written = recorder(4);
  written.take('stdout', Buffer.from([0x61, 0xe2, 0x82]));
  written.take('stderr', Buffer.from('too long'));
  written.take('stderr', Buffer.from('!'));
  written.close();
  rmSync(directory.journal);
  blocked('journal');
  const { stdout, stderr, loss, nextSeq } = written.end();
  expect(readFileSync(directory.stdout, 'utf8')).toBe('a');
  expect(stdout).toEqual({
    bytes: 3,
    kept: 1,
    sha256: createHash('sha256').update('a').digest('hex'),
    gap: { offset: 1, length: 2, reason: 'storage' },
  });
  expect(stderr).toMatchObject({
    bytes: 9,
    kept: 4,
    gap: { offset: 8, length: 1, reason: 'output_limit' },
  });
  expect(loss).toContain('EISDIR');
  expect(nextSeq).toBe(6);
});

test('output over the limit is told of at once and then as it doubles, so that a crash forgets at most half of it', () => {
  const written = recorder(3);
  for (let n = 0; n < 1000; n++) {
    written.write('stdout', Buffer.from([0x61, 0xe2, 0x82]));
    const gapped = journal().reduce((sum, entry) => sum + (entry.type === 'gap' ? entry.length : 0), 0);
    expect(gapped * 2).toBeGreaterThanOrEqual(written.captured('stdout').bytes - 3);
  }
  expect(journal()).toMatchObject([
    { type: 'stdout', length: 1 },
    { type: 'stdout', offset: 1, length: 2 },
    ...[3, 3, 6, 12, 24, 48, 96, 192, 384, 768].map((length) => ({ type: 'gap', length })),
  ]);
  const { stdout } = written.end();
  written.close();
  expect(stdout).toMatchObject({ bytes: 3000, kept: 3 });
  expect(journal().at(-1)).toMatchObject({ type: 'gap', offset: 3 + 1536, length: 3000 - 3 - 1536 });
});
