import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHANNELS, isOfSetup } from '../../src/documents/stream.ts';
import { MAX_EVENT_BYTES } from '../../src/journal/event-lengths.ts';
import { bytesOf, channelOfEvent, eventsOf, recordedRun } from '../helpers/recorded-run.ts';
import { cut, outputBytes } from './steps.ts';

const places = fc.array(fc.nat(10_000), { maxLength: 12 });
const whole = fc.array(outputBytes, { maxLength: 12 }).map((parts) => Buffer.concat(parts));

test('bytes of any kind, cut anywhere, come out as they went in, and replay is the same as live', async () => {
  await fc.assert(
    fc.asyncProperty(whole, places, async (bytes, at) => {
      using run = recordedRun();
      const live = eventsOf(run.log);
      for (const piece of cut(bytes, at)) run.take({ write: 'stdout', bytes: piece });
      run.finish();
      const events = await live;
      expect(bytesOf(events, 'stdout').equals(bytes)).toBe(true);
      expect(run.capture('stdout').equals(bytes)).toBe(true);
      expect(await eventsOf(run.stored())).toEqual(events);
      let offset = 0;
      for (const event of events) {
        if (event.type !== 'stdout') continue;
        expect(event.offset).toBe(offset);
        offset += event.length;
      }
    }),
    { numRuns: 150 },
  );
});

test('text that is cut anywhere is always text: no character is split over two events', async () => {
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 60 })
    .map((value) => value.toWellFormed());
  await fc.assert(
    fc.asyncProperty(text, places, async (value, at) => {
      using run = recordedRun();
      for (const piece of cut(Buffer.from(value), at)) run.take({ write: 'stderr', bytes: piece });
      run.finish();
      const texts = (await eventsOf(run.log)).map((event) => (event.type === 'stderr' ? event.text : ''));
      expect(texts).not.toContain(undefined);
      expect(texts.join('')).toBe(value);
    }),
    { numRuns: 150 },
  );
});

test('a character at the border of the largest event is not split', async () => {
  for (const character of ['ä', '€', '😀'])
    for (let before = 0; before < 4; before++) {
      using run = recordedRun();
      const value = 'x'.repeat(MAX_EVENT_BYTES - before) + character.repeat(MAX_EVENT_BYTES / 2);
      run.take({ write: 'stdout', bytes: Buffer.from(value) });
      run.finish();
      const texts = (await eventsOf(run.log)).map((event) => (event.type === 'stdout' ? event.text : ''));
      expect(texts.join('') === value).toBe(true);
      for (const text of texts)
        expect(Buffer.byteLength(text ?? 'x'.repeat(2 ** 20))).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    }
});

test('each channel is told whole, whatever the others write between: bytes in events and gaps are those written', async () => {
  const pieces = fc.array(fc.tuple(fc.constantFrom(...CHANNELS), outputBytes), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(60), async (program, maxOutputBytes) => {
      using run = recordedRun({ maxOutputBytes });
      for (const [write, bytes] of program) run.take({ write, bytes });
      run.finish();
      const events = await eventsOf(run.stored());
      const finished = events.at(-1);
      const outcome = finished?.type === 'finished' ? finished.outcome : null;
      for (const channel of CHANNELS) {
        const written = Buffer.concat(
          program.flatMap(([write, bytes]) => (write === channel ? [bytes] : [])),
        );
        const kept = bytesOf(events, channel);
        expect(kept.equals(written.subarray(0, maxOutputBytes))).toBe(true);
        expect(run.capture(channel).equals(kept)).toBe(true);
        let end = 0;
        for (const event of events)
          if (channelOfEvent(event) === channel && 'offset' in event) {
            expect(event.offset).toBe(end);
            end += event.length;
          }
        expect(end).toBe(written.length);
        const hadIt = !isOfSetup(channel) || program.some(([write]) => isOfSetup(write));
        expect(outcome?.[channel] ?? null).toEqual(
          hadIt ? { bytes: end, kept: kept.length, sha256: hash('sha256', kept) } : null,
        );
      }
    }),
    { numRuns: 150 },
  );
});

test('bytes in events and in gaps are together the bytes that were written', async () => {
  await fc.assert(
    fc.asyncProperty(whole, places, fc.nat(60), async (bytes, at, maxOutputBytes) => {
      using run = recordedRun({ maxOutputBytes });
      for (const piece of cut(bytes, at)) run.take({ write: 'stdout', bytes: piece });
      run.finish();
      const events = await eventsOf(run.log);
      const kept = bytesOf(events, 'stdout');
      expect(kept.equals(bytes.subarray(0, maxOutputBytes))).toBe(true);
      let end = kept.length;
      for (const event of events)
        if (event.type === 'gap') {
          expect(event).toMatchObject({ stream: 'stdout', offset: end, reason: 'output_limit' });
          end += event.length;
        }
      expect(end).toBe(bytes.length);
    }),
    { numRuns: 150 },
  );
});
