import fc from 'fast-check';
import { expect, test } from 'vitest';
import { incompleteTail } from '../../../src/journal/utf8.ts';

test('wherever a text is cut, what is not held back is whole characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, at) => {
      const bytes = Buffer.from(text.toWellFormed());
      const cut = bytes.subarray(0, at % (bytes.length + 1));
      const whole = cut.subarray(0, cut.length - incompleteTail(cut));
      expect(Buffer.from(whole.toString('utf8')).equals(whole)).toBe(true);
    }),
  );
});

test('of a whole text nothing is held back', () => {
  for (const text of ['', 'a', 'é', '€', '😀', 'a😀']) expect(incompleteTail(Buffer.from(text))).toBe(0);
});

test('of bytes that are no text at most three are held back', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => incompleteTail(bytes) <= 3));
});

test('bytes that begin no character are not held back', () => {
  for (const byte of [0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff])
    expect(incompleteTail(Buffer.from([byte]))).toBe(0);
});
