import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extentFault } from '../../../routes/requests/json-extent.ts';

const faultOf = (text: string): Promise<string | null> => extentFault(Buffer.from(text));
const MANY = 'has more than 50000 values';
const DEEP = 'is nested deeper than 500 levels';
const ones = (count: number): string => Array(count).fill('1').join();

test.each([
  ['as many values as there may be', `[${ones(49_999)}]`, null],
  ['one more', `[${ones(50_000)}]`, MANY],
  [
    'names, which are no values',
    JSON.stringify(Object.fromEntries(Array.from({ length: 49_999 }, (_, n) => [`n${n}`, 'v']))),
    null,
  ],
  [
    'one member more',
    JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`n${n}`, 'v']))),
    MANY,
  ],
  [
    'brackets, commas and quotes within a text',
    JSON.stringify({ a: `[[{"${',1:'.repeat(60_000)}\\"\\\\` }),
    null,
  ],
  ['what is passed on', `{"a":{"body":[${ones(60_000)}],"b":[${ones(49_000)}]}}`, null],
  ['what comes after it', `{"a":{"data":{"x":[${ones(60_000)}]},"b":[${ones(50_000)}]}}`, MANY],
  ['what comes after the object it is in', `[{"body":[${ones(60_000)}]},${ones(50_000)}]`, MANY],
  ['text named so that is no name', `["body",[${ones(50_000)}]]`, MANY],
  ['a million passed on', `{"body":[${ones(999_999)}]}`, null],
  [
    'one more of them',
    `{"body":[${ones(1_000_000)}]}`,
    'has more than 1000000 values in what is only passed on',
  ],
  ['as deep as it may be', `${'['.repeat(500)}${']'.repeat(500)}`, null],
  ['deeper', `${'['.repeat(501)}${']'.repeat(501)}`, DEEP],
  ['deeper where it is passed on', `{"body":${'['.repeat(501)}`, DEEP],
])('%s', async (_what, text, fault) => {
  expect(await faultOf(text)).toBe(fault);
});

/** The values that count, as they are once parsed. */
function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const members = Array.isArray(value)
    ? value
    : Object.entries(value).flatMap(([name, member]) => (name === 'body' || name === 'data' ? [] : [member]));
  return members.reduce((sum: number, member) => sum + count(member), 1);
}

test('values are counted as the parser finds them, whatever the text looks like', async () => {
  const names = fc.oneof(fc.string(), fc.constantFrom('body', 'data', 'a"b', '\\'));
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(names, tie('tree'), { maxKeys: 5 }),
      fc.array(tie('tree'), { maxLength: 5 }),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(tree, fc.constantFrom(undefined, 1, '\t'), async (value, space) => {
      const text = JSON.stringify(value, null, space);
      // Filled up to the bound, and over it.
      const rest = 50_000 - count(JSON.parse(text)) - 1;
      expect(await faultOf(`[${text},${ones(rest)}]`)).toBeNull();
      expect(await faultOf(`[${text},${ones(rest + 1)}]`)).toBe(MANY);
    }),
    { numRuns: 40 },
  );
});

test('others have their turn while a long text is looked at', async () => {
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  let done = false;
  const looking = extentFault(Buffer.from(`"${'\\"'.repeat(8_000_000)}"`)).then(() => {
    done = true;
  });
  const before = turns;
  while (!done) await new Promise(setImmediate);
  await looking;
  clearInterval(counting);
  expect(turns).toBeGreaterThan(before);
});
