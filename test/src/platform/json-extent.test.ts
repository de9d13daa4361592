import fc from 'fast-check';
import { expect, test } from 'vitest';
import { excessNow, excessOf } from '../../../src/platform/json-extent.ts';

const MOST = { names: 3, escapedNames: 1, escapes: 4, containers: 4, levels: 3 };

test.each([
  ['{"a":1,"b":2,"c":{}}', null],
  ['{"a":1,"b":2,"c":{"d":1}}', 'has more than 3 names'],
  ['{"a\\n":1,"b":"\\n\\":","c":2}', null],
  ['{"a\\n":1,"\\"" : 2}', 'has more than 1 names with an escape in them'],
  ['[[],[],{}]', null],
  ['[[],[],{},[]]', 'has more than 4 lists and objects'],
  ['[[[1,2,3,4,5,6,7,8,9]],"[[[[[[{::::"]', null],
  ['[[[[]]]]', 'is nested deeper than 3 levels'],
  ['["\\n\\u0041","\\"\\\\"]', null],
  ['["\\n\\u0041","\\"\\\\\\/"]', 'has more than 4 escapes in its texts'],
  ['no JSON: at all', null],
  ['"', null],
  ['\\', null],
])('%s', async (text, words) => {
  expect(excessNow(Buffer.from(text), MOST)).toBe(words);
  expect(await excessOf(Buffer.from(text), MOST)).toBe(words);
});

test('a number has a length', () => {
  const one = '1'.repeat(100_000);
  for (const text of [`[${one},-1,${one} ]`, `["${one}1"]`])
    expect(excessNow(Buffer.from(text), MOST)).toBe(null);
  for (const text of [`[1,-${one}]`, `{"a":0.${one}}`, `${one}e1`])
    expect(excessNow(Buffer.from(text), MOST)).toBe('has a number of more than 100000 characters');
});

interface Count {
  names: number;
  containers: number;
  levels: number;
}

function countOf(value: unknown): Count {
  if (typeof value !== 'object' || value === null) return { names: 0, containers: 0, levels: 0 };
  const inner = Object.values(value).map(countOf);
  return {
    names: inner.reduce((sum, { names }) => sum + names, Array.isArray(value) ? 0 : inner.length),
    containers: inner.reduce((sum, { containers }) => sum + containers, 1),
    levels: 1 + Math.max(0, ...inner.map(({ levels }) => levels)),
  };
}

test('it counts what the parser finds', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.boolean(), (value, spaced) => {
      const text = Buffer.from(JSON.stringify(value, null, spaced ? 2 : undefined));
      const exact = { ...countOf(value), escapedNames: Number.POSITIVE_INFINITY, escapes: 1e9 };
      expect(excessNow(text, exact)).toBe(null);
      for (const part of ['names', 'containers', 'levels'] as const)
        if (exact[part] > 0) expect(excessNow(text, { ...exact, [part]: exact[part] - 1 })).not.toBe(null);
    }),
    { seed: 4, numRuns: 500 },
  );
});

test('others have their turn while a long text is looked at', async () => {
  let turns = 0;
  const count = (): void => {
    if (++turns < 100) setImmediate(count);
  };
  setImmediate(count);
  const most = { names: 1, escapedNames: 1, escapes: 1, containers: 1e9, levels: 1e9 };
  expect(await excessOf(Buffer.from('['.repeat(5 * 1024 * 1024)), most)).toBe(null);
  expect(turns).toBeGreaterThanOrEqual(4);
});
