import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExact } from '../../src/platform/exact-json.ts';
import { parseJson } from '../../src/platform/json-parse.ts';
import { plainJson, toldOf } from '../helpers/plain-json.ts';

/** Few, so that names meet their like at the same place of an object. */
const letter = fc.constantFrom(
  ...['a', 'n', '"', 'u', '5c', '0', '7', ':', ' ', '{', ',', 'é', '中', '__proto__', 'constructor'].map(
    (plain) => (plain === '"' ? '\\"' : plain),
  ),
  ...[
    '\\\\',
    '\\\\',
    '\\/',
    '\\n',
    '\\u005c',
    '\\u006e',
    '\\u0022',
    '\\u00e9',
    '\\u4e2d',
    '\\ud83d',
    '\\ude00',
    '\\u0000',
  ],
  '\\u005f_proto__',
);
const string = fc.array(letter, { maxLength: 4 }).map((letters) => `"${letters.join('')}"`);
const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n');
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'medium', withCrossShrink: true },
    string,
    fc.constantFrom('1', '-2.5', 'true', 'null'),
    fc
      .array(fc.tuple(string, space, space, tie('value')), { maxLength: 5 })
      .map(
        (members) => `{${members.map((parts) => `${parts[1]}${parts[0]}${parts[2]}:${parts[3]}`).join(',')}}`,
      ),
    fc
      .array(fc.tuple(space, tie('value')), { maxLength: 4 })
      .map((list) => `[${list.map((parts) => parts.join('')).join(',')}]`),
  ),
}));

test('each name is the one that was written, whatever was read before', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (texts) => {
      for (const text of texts) {
        const told = plainJson(text);
        expect(toldOf(parseJson(text))).toEqual(told);
        expect(toldOf(parseJson(`${text} `))).toEqual(told);
        const [, exact] = parseExact(`[9007199254740993,${text}]`) as unknown[];
        expect(toldOf(exact)).toEqual(told);
      }
    }),
    { seed: 26_10_0, numRuns: 3000 },
  );
});

test('what is no JSON is refused as JSON.parse refuses it', () => {
  const broken = fc.tuple(value, fc.nat(), fc.constantFrom('', '"', '\\', '{', '}', ':', ',', '\n', 'x'));
  fc.assert(
    fc.property(broken, ([text, at, put]) => {
      const place = at % (text.length + 1);
      const changed = text.slice(0, place) + put + text.slice(place + 1);
      const refusalOf = (parse: (text: string) => unknown): unknown => {
        try {
          parse(changed);
          return null;
        } catch (error) {
          return error;
        }
      };
      expect(refusalOf(parseJson)).toEqual(refusalOf(JSON.parse));
    }),
    { seed: 26_10_1, numRuns: 5000 },
  );
});
