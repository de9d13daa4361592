import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunDirectory, runDirectory } from '../../src/disk/run-directory.ts';
import type { RuntimeEvent } from '../../src/documents/event.ts';
import type { StreamFacts } from '../../src/documents/outcome.ts';
import { CHANNELS, type Channel, STREAMS, type Stream } from '../../src/documents/stream.ts';
import { readEarlier } from '../../src/journal/earlier.ts';
import { decodeLine, type JournalEntry } from '../../src/journal/journal.ts';
import { Recorder } from '../../src/journal/recorder.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { ExitFacts } from '../../src/supervisor/protocol/messages.ts';
import { completeExit, completeJournal, readRemains } from '../../src/supervisor/salvage.ts';
import {
  bytesOf,
  channelOfEvent,
  eventsOf,
  recordedRun,
  type Step,
  writeStep,
} from '../helpers/recorded-run.ts';
import { stepsOf } from '../properties/steps.ts';
import { changed, DAMAGES, type Files, type Name } from './damages.ts';

const NAMES: readonly Name[] = ['journal', 'stdout', 'stderr'];
const FIRST_SEQ = 3;
const LIMIT = 60;

let root: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'runwire-torn-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A run whose files are these, on disk until it is disposed of. */
function onDisk(files: Files): { directory: RunDirectory; read(name: Name): Buffer } & Disposable {
  const directory = runDirectory(root, `run-${count++}`);
  mkdirSync(directory.root, { recursive: true });
  for (const name of NAMES) if (files[name].length > 0) writeFileSync(directory[name], files[name]);
  return {
    directory,
    read: (name) => (existsSync(directory[name]) ? readFileSync(directory[name]) : Buffer.alloc(0)),
    [Symbol.dispose]: () => rmSync(directory.root, { recursive: true, force: true }),
  };
}

function record(program: readonly Step[], exit: boolean): { files: Files; facts: ExitFacts } {
  using run = onDisk({ journal: Buffer.alloc(0), stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
  const recorder = new Recorder({ directory: run.directory, firstSeq: FIRST_SEQ, maxOutputBytes: LIMIT });
  for (const step of program) writeStep(recorder, step);
  const { stdout, stderr, nextSeq } = recorder.end();
  const facts: ExitFacts = {
    ...{ pid: 1, code: 7, signal: null, stdout, stderr, next_seq: nextSeq, usage: null, kill: null },
    ...{ timings: {}, capture_error: null },
  };
  if (exit) recorder.note({ exit: facts });
  recorder.close();
  return {
    files: { journal: run.read('journal'), stdout: run.read('stdout'), stderr: run.read('stderr') },
    facts,
  };
}

const entriesOf = (journal: Buffer): JournalEntry[] =>
  journal
    .toString('latin1')
    .split('\n')
    .flatMap((line) => decodeLine(Buffer.from(line, 'latin1'))?.entry ?? []);

interface Repaired {
  files: Files;
  facts: Record<Stream, StreamFacts>;
  nextSeq: number;
  exit: ExitFacts | null;
}

async function recover(files: Files, rebooted: boolean): Promise<Repaired> {
  using run = onDisk(files);
  const once = await salvage(run.directory, rebooted);
  const repaired = { journal: run.read('journal'), stdout: run.read('stdout'), stderr: run.read('stderr') };
  // The server that asked may die before it has stored what it was told.
  const again = await salvage(run.directory, rebooted);
  expect(again).toEqual(once);
  for (const name of NAMES) expect(run.read(name).equals(repaired[name]), `${name} later`).toBe(true);
  return { files: repaired, ...once };
}

async function salvage(directory: RunDirectory, rebooted: boolean): Promise<Omit<Repaired, 'files'>> {
  const { recorded, exit } = await readRemains(directory, FIRST_SEQ, rebooted);
  if (exit && recorded) {
    const { facts, end } = completeExit(directory, FIRST_SEQ, recorded, exit);
    expect(end).toBe(readFileSync(directory.journal).length);
    return { facts, nextSeq: facts.next_seq, exit: facts };
  }
  const { captures, next_seq } = completeJournal(directory, FIRST_SEQ, recorded);
  return { facts: captures, nextSeq: next_seq, exit: null };
}

/** No hole in seq; events, gaps, captures and facts say the same. */
function expectConsistent({ files, facts, nextSeq }: Repaired): void {
  const entries = entriesOf(files.journal);
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => FIRST_SEQ + at));
  expect(nextSeq).toBe(FIRST_SEQ + entries.length);
  for (const stream of STREAMS) {
    let kept = 0;
    let gapped = 0;
    for (const entry of entries) {
      if (entry.type === 'progress' || (entry.type === 'gap' ? entry.stream : entry.type) !== stream)
        continue;
      expect(entry.offset).toBe(kept + gapped);
      if (entry.type === 'gap') gapped += entry.length;
      else kept += entry.length;
      if (entry.type !== 'gap') expect(gapped, 'nothing is kept behind a gap').toBe(0);
    }
    const capture = files[stream];
    expect(facts[stream]).toMatchObject({
      kept,
      bytes: kept + gapped + (facts[stream].gap?.length ?? 0),
      sha256: createHash('sha256').update(capture).digest('hex'),
    });
    expect(capture.length).toBe(kept);
  }
}

const PROGRAM: Step[] = [
  { write: 'stdout', bytes: Buffer.from('one €\n') },
  { progress: { message: 'two' } },
  { write: 'stderr', bytes: Buffer.concat([Buffer.from([0xff, 0, 1]), Buffer.from('x'.repeat(LIMIT))]) },
  { write: 'stdout', bytes: Buffer.from('three') },
];

const WITH_SETUP: Step[] = [
  { write: 'setup_stdout', bytes: Buffer.from('get €') },
  {
    write: 'setup_stderr',
    bytes: Buffer.concat([Buffer.from([0xff, 0xe2]), Buffer.from('y'.repeat(LIMIT))]),
  },
  ...PROGRAM,
  { write: 'setup_stdout', bytes: Buffer.from(' late') },
];

describe('A run that was not finished', () => {
  let ENDED: ReturnType<typeof record>;
  let CUT_SHORT: ReturnType<typeof record>;
  beforeAll(() => {
    ENDED = record(PROGRAM, true);
    CUT_SHORT = record(PROGRAM, false);
  });

  for (const [name, damage] of Object.entries(DAMAGES))
    for (const file of NAMES)
      test(`whose ${file} is ${name} any place is repaired, and nothing is made up`, async () => {
        for (let at = 0; at <= ENDED.files[file].length; at++) {
          // By turns: every place meets one of them, and its neighbours the others.
          const exit = at % 2 === 0;
          const rebooted = at % 4 < 2;
          const { files, facts } = exit ? ENDED : CUT_SHORT;

          const damaged = changed(files, file, damage(files[file], Math.min(at, files[file].length)));
          const repaired = await recover(damaged, rebooted);
          expectConsistent(repaired);
          for (const stream of STREAMS) {
            const was = files[stream];
            const is = repaired.files[stream];
            // What is behind a capture is not known from output while nothing says where the output ended.
            if (rebooted || exit || damaged[file].length <= files[file].length || file === 'journal')
              expect(was.subarray(0, is.length).equals(is), `${stream} at ${at}`).toBe(true);
            if (!rebooted && file === 'journal') expect(is.length, `${stream} at ${at}`).toBe(was.length);
            // All that a line or a file still tells of is kept or gapped.
            if (file !== 'journal' || repaired.exit)
              expect(repaired.facts[stream].bytes).toBeGreaterThanOrEqual(facts[stream].bytes);
          }
          if (repaired.exit) expect(repaired.exit).toMatchObject({ code: 7, pid: 1 });
          if (exit && file !== 'journal') expect(repaired.exit).not.toBeNull();
          const lost = STREAMS.some((stream) => repaired.files[stream].length < files[stream].length);
          if (repaired.exit) expect(repaired.exit.capture_error !== null, `at ${at}`).toBe(lost);
        }
      });

  test('whatever happens to its files, however often, is repaired, and goes on from there', async () => {
    const damage = fc.record({
      file: fc.constantFrom(...NAMES),
      how: fc.constantFrom(...Object.values(DAMAGES)),
      place: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(
        stepsOf(STREAMS),
        fc.array(damage, { maxLength: 4 }),
        fc.boolean(),
        async (program, damages, exit) => {
          const { files } = record(program, exit);
          let damaged = files;
          for (const { file, how, place } of damages)
            damaged = changed(damaged, file, how(damaged[file], Math.floor(place * damaged[file].length)));
          const repaired = await recover(damaged, true);
          expectConsistent(repaired);
          for (const stream of STREAMS) {
            const is = repaired.files[stream];
            expect(files[stream].subarray(0, is.length).equals(is)).toBe(true);
          }
          using run = onDisk(repaired.files);
          const recorded = await readEarlier(run.directory, FIRST_SEQ);
          const recorder = new Recorder({
            directory: run.directory,
            firstSeq: FIRST_SEQ,
            maxOutputBytes: LIMIT,
            recorded,
          });
          recorder.write('stdout', Buffer.from('more'));
          recorder.progress({ message: 'more' });
          const { stdout, stderr, nextSeq } = recorder.end();
          recorder.close();
          const later = {
            journal: run.read('journal'),
            stdout: run.read('stdout'),
            stderr: run.read('stderr'),
          };
          expectConsistent({ files: later, facts: { stdout, stderr }, nextSeq, exit: null });
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('A run that had finished', () => {
  /** Every event is one of the run's, or says what was lost. */
  function expectHonest(events: readonly RuntimeEvent[], full: readonly RuntimeEvent[]): void {
    expect(events.map(({ seq }) => seq)).toEqual(full.map(({ seq }) => seq));
    expect(events.at(-1)).toEqual(full.at(-1));
    for (const [at, event] of events.entries()) {
      const was = full[at];
      if (event.type === 'gap' && event.reason === 'storage') continue;
      if (event.type === 'progress' && event.message?.includes('was lost')) continue;
      expect(event).toEqual(was);
    }
    for (const channel of CHANNELS) {
      let end = 0;
      for (const event of events)
        if (channelOfEvent(event) === channel && 'offset' in event) {
          expect(event.offset).toBe(end);
          end += event.length;
        }
      expect(end, `bytes of ${channel}`).toBe(bytesOf(full, channel).length + gappedIn(full, channel));
    }
  }

  const gappedIn = (events: readonly RuntimeEvent[], channel: Channel): number =>
    events.reduce(
      (sum, event) => sum + (event.type === 'gap' && channelOfEvent(event) === channel ? event.length : 0),
      0,
    );

  async function expectHonestReaders(
    log: () => EventLog,
    full: readonly RuntimeEvent[],
    step = 3,
  ): Promise<void> {
    const events = await eventsOf(log());
    expectHonest(events, full);
    for (let after = 1; after < full.length; after += step)
      expect(await eventsOf(log(), after, after % 2 === 0)).toEqual(events.slice(after));
  }

  for (const [name, damage] of Object.entries(DAMAGES))
    for (const file of ['journal', ...CHANNELS] as const)
      test(`whose ${file} is ${name} any place tells no wrong byte, says what is lost, and comes to its end`, async () => {
        using run = recordedRun({ maxOutputBytes: LIMIT });
        for (const step of WITH_SETUP) run.take(step);
        run.finish();
        const full = await eventsOf(run.log);
        const whole = readFileSync(run.directory[file]);
        for (let at = 0; at <= whole.length; at++) {
          writeFileSync(run.directory[file], damage(whole, at));
          await expectHonestReaders(() => run.stored(), full);
        }
        rmSync(run.directory[file]);
        await expectHonestReaders(() => run.stored(), full);
      });

  test('of many events whose journal has holes is told in order, however many are lost', async () => {
    using run = recordedRun();
    for (let n = 0; n < 1500; n++)
      run.take(
        n % 3
          ? { write: CHANNELS[n % 4] ?? 'stdout', bytes: Buffer.from(`${n}\n`) }
          : { progress: { data: n } },
      );
    run.finish();
    const full = await eventsOf(run.log);
    const whole = readFileSync(run.directory.journal);
    for (const [from, to] of [
      [5000, 60_000],
      [0, whole.length - 500],
      [whole.length - 50_000, whole.length],
    ] as const) {
      const holed = Buffer.from(whole);
      holed.fill(0, from, to);
      for (let at = from + 100; at < to; at += 40_000)
        whole.copy(holed, at, at, Math.min(at + 700, whole.length));
      writeFileSync(run.directory.journal, holed);
      await expectHonestReaders(() => run.stored(), full, 211);
    }
  });
});
