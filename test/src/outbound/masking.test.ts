import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Masking, masked, maskedBeginning } from '../../../src/outbound/masking.ts';
import { SecretForm } from '../../../src/outbound/secret-form.ts';

/** Texts as they are. */
const plain = (...texts: string[]) => texts.map((text) => new SecretForm([...text].map((one) => [one])));

test.each([
  ['a form', 'x abcd y', ['abcd'], 'x [redacted] y'],
  ['one beside the other', 'abcdabcd', ['abcd'], '[redacted][redacted]'],
  ['one within another', 'x abcdef y', ['abcdef', 'cde'], 'x [redacted] y'],
  ['forms that overlap', 'abcdefgh', ['abcde', 'defgh'], '[redacted]'],
  ['a form that overlaps itself', 'xaaaaaay', ['aaaa'], 'x[redacted]y'],
  ['a beginning', 'x abc', ['abcd'], 'x abc'],
  ['no forms', 'x abc', [], 'x abc'],
])('%s', (_name, text, forms, wanted) => {
  expect(masked(text, plain(...forms))).toBe(wanted);
});

test('what may begin a form is held back, no more than that, and let go', () => {
  const masking = new Masking(plain('abcd', 'dxyz'));
  expect(['1 ', 'a', 'b', 'c', 'x ', 'abcd', 'xy', '!', 'ab'].map((piece) => masking.take(piece))).toEqual([
    '1 ',
    '',
    '',
    '',
    'abcx ',
    '[redacted]',
    '',
    'xy!',
    '',
  ]);
  expect(masking.end()).toBe('ab');
  expect(masking.holds).toBe(false);
});

test('of the ways to write a character one may begin another, and the longest is taken', () => {
  const form = new SecretForm([
    ['a', 'ab'],
    ['c', '+'],
    ['+', '+25'],
  ]);
  expect(['ac+', 'abc+25', 'a++', 'ac+2', 'bc+'].map((text) => masked(text, [form]))).toEqual([
    '[redacted]',
    '[redacted]',
    '[redacted]',
    '[redacted]2',
    'bc+',
  ]);
});

const text = fc.string({ unit: fc.constantFrom('m', 'n', 'o', 'x'), maxLength: 40 });
const ways = fc.array(fc.string({ unit: fc.constantFrom('m', 'n', 'o'), minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});
const forms = fc.array(fc.array(ways, { minLength: 2, maxLength: 6 }), { maxLength: 4 });

test('it comes out the same however it is cut, and nothing of a form stands in it', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), forms, (pieces, written) => {
      const secrets = written.map((characters) => new SecretForm(characters));
      const masking = new Masking(secrets);
      const whole = masked(pieces.join(''), secrets);
      let out = '';
      let came = '';
      for (const piece of pieces) {
        out += masking.take(piece);
        came += piece;
        // A log that is asked for again and again begins each time with what was told of it.
        expect(maskedBeginning(came, secrets)).toBe(out);
        expect(whole.startsWith(out)).toBe(true);
      }
      expect(out + masking.end()).toBe(whole);
      for (const secret of secrets) expect([...secret.places(whole)]).toEqual([]);
    }),
    { numRuns: 3000 },
  );
});
