import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitting } from '../../../mcp/output/text.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const whole = { cutBefore: false, cutAfter: false };

/** Bytes as programs write them: text, what JSON escapes, and what is no UTF-8. */
const anyBytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }).map(bytes),
      fc.constantFrom('"', '\\', '\n', '\u0000', '\u001b[31m', '\u007f', '😀', '\ufeff', 'ü').map(bytes),
      fc.uint8Array({ maxLength: 12 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

describe('What of some bytes fits into a room', () => {
  test('never takes more of it in JSON, nor as UTF-8, and is what those bytes decode to', () => {
    fc.assert(
      fc.property(
        anyBytes,
        fc.nat(300),
        fc.constantFrom('first' as const, 'last' as const),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (all, room, side, cutBefore, cutAfter, wholeLines) => {
          const { text, start, end } = fitting(all, { room, side, cutBefore, cutAfter, wholeLines });
          expect(Buffer.byteLength(JSON.stringify(text)) - 2).toBeLessThanOrEqual(room);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(room);
          expect(text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(all.subarray(start, end)));
          expect(start).toBeLessThanOrEqual(end);
        },
      ),
    );
  });

  test('is all of it where there is room, but for what an edge cuts', () => {
    fc.assert(
      fc.property(anyBytes, (all) => {
        const { text, start, end, isCut } = fitting(all, { room: 1e6, side: 'first', ...whole });
        expect([start, end, isCut]).toEqual([0, all.length, false]);
        expect(text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(all));
      }),
    );
  });

  test('has all characters of a text that comes in parts, none of them broken', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 12, max: 40 }), (text, room) => {
        const all = bytes(text);
        let told = '';
        for (let at = 0; at < all.length; ) {
          const part = all.subarray(at, at + room);
          const edges = { cutBefore: at > 0, cutAfter: at + part.length < all.length };
          const { text: next, end } = fitting(part, { room, side: 'first', ...edges });
          told += next;
          expect(end).toBeGreaterThan(0);
          at += end;
        }
        expect(told).toBe(text);
      }),
    );
  });

  test.each([
    ['first', 'one\ntwo\nthree', 10, 'one\ntwo\n'],
    ['first', 'one long line that goes on', 10, 'one long l'],
    ['last', 'one\ntwo\nthree', 11, 'two\nthree'],
    ['last', 'one long line that goes on', 10, 'at goes on'],
  ] as const)(
    'the %s part of %j in %i bytes is %j, in whole lines where that is not half of it',
    (side, text, room, kept) => {
      expect(fitting(bytes(text), { room, side, ...whole, wholeLines: true }).text).toBe(kept);
    },
  );

  test.each([
    [[0xf0, 0x9f, 0x98], true, ''],
    [[0xf0, 0x9f, 0x98], false, '\ufffd'],
    [[0x41, 0xc3], true, 'A'],
    [[0xed, 0xa0, 0x80], true, '\ufffd\ufffd\ufffd'],
    [[0xff, 0x41], true, '\ufffdA'],
  ])('%j with more to come %s is %j', (all, cutAfter, text) => {
    expect(fitting(Uint8Array.from(all), { room: 100, side: 'first', cutBefore: false, cutAfter }).text).toBe(
      text,
    );
  });
});
