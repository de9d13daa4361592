import fc from 'fast-check';
import { CHANNELS, type Channel } from '../../src/documents/stream.ts';
import type { Step } from '../helpers/recorded-run.ts';

/** Bytes that are mostly text, with what is hard about text in them, and sometimes not text at all. */
export const outputBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((text) => Buffer.from(text.toWellFormed())),
  fc
    .constantFrom(
      '\n',
      '\r',
      '\r\n',
      '\u2028',
      '\u2029',
      '\u0085',
      '\0',
      '\ufeff',
      '\ufffd',
      'ä',
      '€',
      '😀',
      'data: x\n\n',
    )
    .map((text) => Buffer.from(text)),
);

/** What a program may do: output in pieces that split characters, and progress of any JSON value. */
export const stepsOf = (channels: readonly Channel[]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ write: fc.constantFrom(...channels), bytes: outputBytes }) },
      {
        weight: 1,
        arbitrary: fc.record({
          progress: fc.record({
            message: fc.oneof(
              fc.string({ unit: 'binary' }),
              fc.constantFrom('a\u2028b', '\u2029', '\x85', '\v\f\x1c'),
            ),
            data: fc.jsonValue(),
          }),
        }),
      },
    ),
    { maxLength: 25 },
  );

export const steps = stepsOf(CHANNELS);

/** A whole cut into pieces at any places. */
export function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [0, ...at]
    .map((from, index) => whole.subarray(from, at[index] ?? whole.length))
    .filter((piece) => piece.length > 0);
}
