import { appendFileSync, truncateSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RuntimeEvent } from '../../src/documents/event.ts';
import { eventsOf, linesOf, recordedRun, type Step } from '../helpers/recorded-run.ts';
import { steps } from './steps.ts';

const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

test('resuming after any seq gives exactly what follows it, live and finished', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      using run = recordedRun();
      const resumed = Array.from({ length: program.length + 8 }, (_, after) => linesOf(run.log, after));
      for (const step of program) {
        run.take(step);
        await pause();
      }
      run.finish();
      const full = await linesOf(run.log);
      const later = run.stored();
      for (const [after, lines] of resumed.entries()) {
        expect(await lines).toEqual(full.slice(after));
        expect(await linesOf(later, after)).toEqual(full.slice(after));
      }
      expect(full.map((line) => JSON.parse(line).seq)).toEqual(full.map((_, index) => index + 1));
    }),
    { numRuns: 60 },
  );
});

test('readers at different speeds, from the beginning or joining in the middle, get the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(fc.record({ joinAt: fc.nat(25), after: fc.nat(10), pauses: fc.nat(4) }), { maxLength: 5 }),
      async (program, readers) => {
        using run = recordedRun();
        const read = readers.map(() => Promise.resolve<string[]>([]));
        const join = (now: number): void =>
          readers.forEach(({ joinAt, after, pauses }, index) => {
            if (Math.min(joinAt, program.length) !== now) return;
            read[index] = linesOf(run.log, after, true, async () => {
              for (let n = 0; n < pauses; n++) await pause();
            });
          });
        for (const [now, step] of program.entries()) {
          join(now);
          run.take(step);
          if (now % 3 === 0) await pause();
        }
        join(program.length);
        run.finish();
        const full = await linesOf(run.log);
        for (const [index, { after }] of readers.entries())
          expect(await read[index]).toEqual(full.slice(after));
        expect(run.log.readers).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});

test('what is there now, asked for again and again, adds up to the whole', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      using run = recordedRun();
      const seen: string[] = [];
      for (const step of program) {
        run.take(step);
        seen.push(...(await linesOf(run.log, seen.length, false)));
      }
      run.finish();
      seen.push(...(await linesOf(run.log, seen.length, false)));
      expect(seen).toEqual(await linesOf(run.log));
    }),
    { numRuns: 60 },
  );
});

test('a journal that is torn at any byte is read up to its last whole line, and what is lost is said', async () => {
  const program: Step[] = [
    { write: 'stdout', bytes: Buffer.from('one\n') },
    { progress: { message: 'two', data: { n: 2 } } },
    { write: 'stderr', bytes: Buffer.from('three\n') },
  ];
  using run = recordedRun();
  const ends = [0];
  for (const step of program) {
    run.take(step);
    ends.push(run.recorder.position);
  }
  run.finish();
  const full = await eventsOf(run.log);
  for (let size = run.recorder.position; size >= 0; size--) {
    truncateSync(run.directory.journal, size);
    const whole = ends.filter((end) => end > 0 && end <= size).length;
    const events = await eventsOf(run.stored());
    expect(events.slice(0, 2 + whole)).toEqual(full.slice(0, 2 + whole));
    expect(events.slice(-3)).toEqual(full.slice(-3));
    expect(events.map(({ seq }) => seq)).toEqual(full.map(({ seq }) => seq));
    for (const event of events.slice(2 + whole, -3)) expect(['gap', 'progress']).toContain(event.type);
    for (const stream of ['stdout', 'stderr']) expect(lengthOf(events, stream)).toBe(lengthOf(full, stream));
  }
});

function lengthOf(events: readonly RuntimeEvent[], stream: string): number {
  return events.reduce((sum, event) => {
    const told = event.type === 'gap' ? event.stream : event.type;
    return 'length' in event && told === stream ? sum + event.length : sum;
  }, 0);
}

test('lines that are no events, wherever they are, are passed over', async () => {
  using run = recordedRun();
  for (let n = 0; n < 2000; n++) {
    run.take({ progress: { message: `${n}`, data: 'x'.repeat(n % 97) } });
    if (n % 5 === 0) run.recorder.note({ exit: { n } });
    if (n % 7 === 0)
      appendFileSync(run.directory.journal, n % 2 ? 'torn {"seq":\n' : `{"seq":${n + 1},"ti\n`);
  }
  run.finish();
  appendFileSync(run.directory.journal, '{"exit":{"pid":1}}\n{"seq":99');
  const full = await linesOf(run.stored());
  expect(full.map((line) => JSON.parse(line).seq)).toEqual(full.map((_, index) => index + 1));
  for (let after = 0; after < full.length; after += 61)
    expect(await linesOf(run.stored(), after)).toEqual(full.slice(after));
});

test('progress of any size is one event, and can be resumed at', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(300_000), { maxLength: 8 }), async (sizes) => {
      using run = recordedRun();
      for (const size of sizes) run.take({ progress: { data: 'ü'.repeat(size) } });
      run.finish();
      const full = await linesOf(run.log);
      for (let after = 0; after <= full.length; after++)
        expect((await linesOf(run.stored(), after)).join('\n') === full.slice(after).join('\n')).toBe(true);
    }),
    { numRuns: 8 },
  );
});
