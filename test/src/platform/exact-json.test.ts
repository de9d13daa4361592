import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseExact } from '../../../src/platform/exact-json.ts';

interface Source {
  source?: string;
}
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** What it is, said by the language itself. */
function byReviver(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: Source = {}) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
}

const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,4})?([eE][+-]?\d{1,3})?$/);
const word = fc.oneof(
  fc.string(),
  fc.constantFrom('1.10', '"', '\\', '9007199254740993', 'a"1.0', '__proto__'),
);
// The V8 of Node 26.10 takes an escaped name for one with a backslash that it has read in an object of the same beginning.
const name = word.filter((text) => !text.includes('\\'));
/** A JSON text. */
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    digits,
    word.map((text) => JSON.stringify(text)),
    fc.constantFrom('true', 'false', 'null', '[]', '{}'),
    fc.array(tie('value')).map((members) => `[ ${members.join(' , ')}]`),
    fc
      .array(fc.tuple(name, tie('value')))
      .map((members) => `{${members.map(([key, of]) => `${JSON.stringify(key)} :${of}`).join(',\n')} }`),
  ),
}));

afterEach(() => void vi.restoreAllMocks());

describe('Numbers are what they were written as', () => {
  test('in any document', () => {
    fc.assert(
      fc.property(value, (text) => {
        const parsed = parseExact(text);
        expect(JSON.stringify(parsed)).toBe(JSON.stringify(byReviver(text)));
        expect(parsed).toStrictEqual(byReviver(text));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ...[
      '1.10',
      '-0',
      '-0.0',
      '1e400',
      '1E5',
      '9007199254740993',
      '-9007199254740993',
      '0.1',
      '12345678901234567890',
    ],
    ...['["1.10", 1.10, {"1.10": -0}]', '{"a": 1.0, "a": 2.0, "__proto__": 1.50}', '  [1.0 , 1 ]\n'],
  ])('in %s', (text) => {
    expect(parseExact(text)).toStrictEqual(byReviver(text));
    expect(JSON.stringify(parseExact(text))).toBe(JSON.stringify(byReviver(text)));
  });

  test.each(['01.5', '{1.5: 1}', '[1.5.5]', '--1.0', '1.', '[1.0', '"1.0', ''])('%j is no JSON', (text) => {
    expect(() => parseExact(text)).toThrow(SyntaxError);
  });

  test('and nothing is called for each of a million others', () => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(parseExact(`{"at": "127.0.0.1", "many": [1.10${',0'.repeat(1000)}]}`)).toMatchObject({
      at: '127.0.0.1',
    });
    expect(parse.mock.calls.every(([, reviver]) => reviver === undefined)).toBe(true);
  });
});
