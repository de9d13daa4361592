import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sourceAt } from '../../../src/platform/json-source.ts';

function valueAt(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** All paths to what is in it. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.keys(value).flatMap((key) => pathsOf((value as Record<string, unknown>)[key], [...path, key])),
  ];
}

test('what stands at a path is what JSON.parse has there, however it is written', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t', ' \n'), (value, space) => {
      const json = JSON.stringify(value, null, space);
      const parsed = JSON.parse(json);
      for (const path of pathsOf(parsed)) {
        const source = sourceAt(json, path);
        expect(source === undefined ? undefined : JSON.parse(source)).toEqual(valueAt(parsed, path));
      }
      expect(sourceAt(json, ['no such', 'path'])).toBeUndefined();
    }),
  );
});

test.each([
  ['{"a":1.10}', ['a'], '1.10'],
  ['{"a":9007199254740993}', ['a'], '9007199254740993'],
  [' { "a" : [ 1 , { "b" : -0 } ] } ', ['a', '1', 'b'], '-0'],
  ['{"a":1,"a":2}', ['a'], '2'],
  ['{"\\u0061":"x"}', ['a'], '"x"'],
  ['{"a\\\\":"}\\"","b":1}', ['b'], '1'],
  ['[]', ['0'], undefined],
  ['[1]', ['01'], undefined],
  ['"text"', ['0'], undefined],
  ['{"a":[ 1, 2 ]}', ['a'], '[ 1, 2 ]'],
])('of %s at %j it is %j', (json, path, source) => {
  expect(sourceAt(json, path)).toBe(source);
});

test('depth costs no stack', () => {
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)},"b":1}`;
  expect(sourceAt(deep, ['b'])).toBe('1');
  expect(sourceAt(deep, ['a'])).toHaveLength(400_000);
});
