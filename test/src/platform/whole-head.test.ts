import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Unfolder } from '../../../src/platform/whole-head.ts';

function unfolded(text: string, cuts: readonly number[] = []): string {
  const unfolder = new Unfolder();
  unfolder.expect();
  const bytes = Buffer.from(text, 'latin1');
  const ends = [...cuts].sort((a, b) => a - b).concat(bytes.length);
  const parts = ends.map((end, n) =>
    unfolder.take(Buffer.from(bytes.subarray(n === 0 ? 0 : ends[n - 1], end))),
  );
  return Buffer.concat([...parts, unfolder.rest()]).toString('latin1');
}

test.each([
  ['a space', 'HTTP/1.1 200 X\r\nA: b\r\n c\r\n\r\n', 'HTTP/1.1 200 X\r\nA: b   c\r\n\r\n'],
  ['a tab', 'HTTP/1.1 200 X\r\nA: b\r\n\tc\r\n\r\n', 'HTTP/1.1 200 X\r\nA: b   c\r\n\r\n'],
  ['nothing before', 'HTTP/1.1 200 X\r\nA:\r\n c\r\n\r\n', 'HTTP/1.1 200 X\r\nA:   c\r\n\r\n'],
  ['three lines', 'HTTP/1.1 200 X\r\nA: b\r\n c\r\n  d\r\n\r\n', 'HTTP/1.1 200 X\r\nA: b   c    d\r\n\r\n'],
  [
    'blanks alone',
    'HTTP/1.1 200 X\r\nA: b\r\n \r\nC: d\r\n\r\n',
    'HTTP/1.1 200 X\r\nA: b   \r\nC: d\r\n\r\n',
  ],
  [
    'an informational answer before',
    'HTTP/1.1 103 X\r\nA: b\r\n c\r\n\r\nHTTP/1.1 200 X\r\nA: b\r\n c\r\n\r\nx\r\n y',
    'HTTP/1.1 103 X\r\nA: b   c\r\n\r\nHTTP/1.1 200 X\r\nA: b   c\r\n\r\nx\r\n y',
  ],
])('a header folded with %s is one line', (_name, text, wanted) => {
  expect(unfolded(text)).toBe(wanted);
});

test.each([
  ['a body', 'HTTP/1.1 200 X\r\n\r\nA: b\r\n c\r\n\r\n'],
  ['what follows a change of protocol', 'HTTP/1.1 101 X\r\nA: b\r\n\r\nHTTP/1.1 200 X\r\nA: b\r\n c'],
  ['a space behind the status line, which folds nothing', 'HTTP/1.1 200 X\r\n A: b\r\n\r\n'],
  ['a CR alone', 'HTTP/1.1 200 X\r\nA: b\r c\r\n\r\n'],
  ['no HTTP', 'SSH-2.0-x\r\n'],
])('%s is left as it is', (_name, text) => {
  expect(unfolded(text)).toBe(text);
});

test('however it is cut, it is the same', () => {
  const piece = fc.constantFrom(
    ...['\r\n', '\n', '\r', ' ', '\t', 'a', ': ', '\r\n\r\n', 'HTTP/1.1 200 X', 'HTTP/1.1 100 Y'],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 30 }), (pieces, cuts) => {
      const text = `HTTP/1.1 200 X\r\n${pieces.join('')}`;
      const places = cuts.map((cut) => cut % (text.length + 1));
      expect(unfolded(text, places)).toBe(unfolded(text));
    }),
    { numRuns: 2000 },
  );
});
