import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunDirectory, runDirectory } from '../../src/disk/run-directory.ts';
import { byChannel, type CaptureFacts } from '../../src/documents/outcome.ts';
import { CHANNELS } from '../../src/documents/stream.ts';
import { readEarlier } from '../../src/journal/earlier.ts';
import { channelOfEntry, decodeLine, isOfChannel } from '../../src/journal/journal.ts';
import { Recorder } from '../../src/journal/recorder.ts';
import { type Step, writeStep } from '../helpers/recorded-run.ts';
import { steps } from '../properties/steps.ts';
import { DAMAGES } from './damages.ts';

const NAMES = ['journal', ...CHANNELS] as const;
const LIMIT = 60;

let root: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'runwire-channels-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function emptyRun(): RunDirectory {
  const directory = runDirectory(root, `run-${count++}`);
  mkdirSync(directory.root, { recursive: true });
  return directory;
}

const read = (path: string): Buffer => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0));

/** The program, and whether it came to its end, which a note then tells. */
function record(directory: RunDirectory, program: readonly Step[], ends: boolean): void {
  const recorder = new Recorder({ directory, firstSeq: 3, maxOutputBytes: LIMIT });
  for (const step of program) writeStep(recorder, step);
  if (ends) {
    const { nextSeq: _, loss: __, ...facts } = recorder.end();
    recorder.note({ exit: facts });
  }
  recorder.close();
}

/** As a later server goes on: what was recorded is repaired, and told to its end. */
async function goOn(directory: RunDirectory, rebooted: boolean, more: readonly Step[] = []) {
  const recorded = await readEarlier(directory, 3, {
    rebooted,
    onNote: (note) => ('exit' in note ? (note.exit as CaptureFacts) : null),
  });
  const recorder = new Recorder({ directory, firstSeq: 3, maxOutputBytes: LIMIT, recorded });
  for (const step of more) writeStep(recorder, step);
  const ended = recorder.end();
  recorder.close();
  return ended;
}

/** No hole in seq; entries, gaps, captures and facts say the same of each channel. */
function expectConsistent(directory: RunDirectory, ended: CaptureFacts & { nextSeq: number }): void {
  const facts = byChannel(ended);
  const entries = read(directory.journal)
    .toString('latin1')
    .split('\n')
    .flatMap((line) => decodeLine(Buffer.from(line, 'latin1'))?.entry ?? []);
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => 3 + at));
  expect(ended.nextSeq).toBe(3 + entries.length);
  for (const channel of CHANNELS) {
    let kept = 0;
    let gapped = 0;
    for (const entry of entries) {
      if (!isOfChannel(entry) || channelOfEntry(entry) !== channel) continue;
      expect(entry.offset).toBe(kept + gapped);
      if (entry.type !== 'gap') expect(gapped, 'nothing is kept behind a gap').toBe(0);
      if (entry.type === 'gap') gapped += entry.length;
      else kept += entry.length;
    }
    const capture = read(directory[channel]);
    const { gap, ...said } = facts[channel] ?? { bytes: 0, kept: 0, sha256: null };
    expect(said).toEqual({
      bytes: kept + gapped + (gap?.length ?? 0),
      kept,
      sha256: facts[channel] ? createHash('sha256').update(capture).digest('hex') : null,
    });
    expect(capture.length, channel).toBe(kept);
  }
}

test('whatever happens to the files of four channels, they are repaired, nothing is made up, and the run goes on', async () => {
  const damage = fc.record({
    file: fc.constantFrom(...NAMES),
    how: fc.constantFrom(...Object.values(DAMAGES)),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(damage, { maxLength: 4 }),
      fc.boolean(),
      steps,
      async (program, damages, ends, more) => {
        const directory = emptyRun();
        record(directory, program, ends);
        const written = new Map(CHANNELS.map((channel) => [channel, read(directory[channel])]));
        for (const { file, how, place } of damages) {
          const bytes = read(directory[file]);
          if (bytes.length > 0) writeFileSync(directory[file], how(bytes, Math.floor(place * bytes.length)));
        }
        const ended = await goOn(directory, true);
        if (existsSync(directory.journal)) expectConsistent(directory, ended);
        for (const channel of CHANNELS) {
          const is = read(directory[channel]);
          expect(written.get(channel)?.subarray(0, is.length).equals(is), channel).toBe(true);
        }
        // Who asks again finds the same.
        const { loss: _, ...again } = await goOn(directory, true);
        expect(again).toEqual({ ...ended, loss: undefined });
        expectConsistent(directory, await goOn(directory, false, more));
        rmSync(directory.root, { recursive: true, force: true });
      },
    ),
    { numRuns: 200 },
  );
});

test.each(NAMES)(
  'a run that is killed after any byte of its %s loses nothing that was captured',
  async (file) => {
    const program: Step[] = [
      { write: 'setup_stdout', bytes: Buffer.from('get €') },
      { write: 'stdout', bytes: Buffer.from([0xe2]) },
      { write: 'setup_stderr', bytes: Buffer.from([0xff, 0xe2]) },
      { write: 'stderr', bytes: Buffer.from('x'.repeat(LIMIT + 5)) },
      { write: 'setup_stdout', bytes: Buffer.from('ready') },
      { write: 'stdout', bytes: Buffer.from([0x82, 0xac]) },
    ];
    const whole = emptyRun();
    record(whole, program, false);
    const length = read(whole[file]).length;
    expect(length).toBeGreaterThan(0);
    for (let size = 0; size <= length; size++) {
      const directory = emptyRun();
      for (const name of NAMES) writeFileSync(directory[name], read(whole[name]));
      writeFileSync(directory[file], read(whole[file]).subarray(0, size));
      expectConsistent(directory, await goOn(directory, false));
      for (const channel of CHANNELS) {
        const is = read(directory[channel]);
        expect(read(whole[channel]).subarray(0, is.length).equals(is)).toBe(true);
        if (channel !== file) expect(is.length, `${channel} at ${size}`).toBe(read(whole[channel]).length);
      }
    }
  },
);
