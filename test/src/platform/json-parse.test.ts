import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseExact } from '../../../src/platform/exact-json.ts';
import { parseJson } from '../../../src/platform/json-parse.ts';
import { sourceAt } from '../../../src/platform/json-source.ts';

const root = resolve(import.meta.dirname, '../../..');

describe.each([['parseJson', parseJson] as const, ['parseExact', parseExact] as const])(
  '%s',
  (_name, parse) => {
    test('a name with an escape is not the one with a backslash that came before', () => {
      expect(parse('{"before":1,"\\\\":2}')).toEqual({ before: 1, '\\': 2 });
      expect(parse('{"before":1,"\\"":2}')).toEqual({ before: 1, '"': 2 });
      expect(parse('{"before":1,"\\n":2}')).toEqual({ before: 1, '\n': 2 });
      expect(parse('{"before":1,"\\u00e9":2}')).toEqual({ before: 1, é: 2 });
      expect(parse('{"long":1,"a\\\\b":2}')).toEqual({ long: 1, 'a\\b': 2 });
      expect(parse('{"long":1,"a\\bc":2}')).toEqual({ long: 1, 'a\bc': 2 });
    });

    test('nor is one of the same document', () => {
      expect(parse('[{"of":1,"\\\\":2},{"of":1,"\\"":2},{"of":1,"\\/":[{"of":1,"\\t":{}}]}]')).toEqual([
        { of: 1, '\\': 2 },
        { of: 1, '"': 2 },
        { of: 1, '/': [{ of: 1, '\t': {} }] },
      ]);
    });
  },
);

test('of a name that is there twice the last counts, in the place of the first', () => {
  const read = parseJson('{"a\\n":1,"b":2,"a\\u000a":3,"\\u0062":4,"7":5,"\\"":6}');
  expect(JSON.stringify(read)).toBe('{"7":5,"a\\n":3,"b":4,"\\"":6}');
});

test('__proto__ is a name like any other', () => {
  const read = parseJson('{"\\u005f_proto__":{"\\n":1},"\\"":{"__proto__":2}}') as object;
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(JSON.stringify(read)).toBe('{"__proto__":{"\\n":1},"\\"":{"__proto__":2}}');
});

test('digits are kept beside names with escapes', () => {
  const text = '{"\\n":9007199254740993,"\\"":[{"\\\\":1.10}]}';
  expect(JSON.stringify(parseExact(text))).toBe(text);
  expect(sourceAt(text, ['"', '0', '\\'])).toBe('1.10');
});

test('depth costs no stack', () => {
  const depth = 200_000;
  let read = parseJson(`${'{"\\"":['.repeat(depth)}7${']}'.repeat(depth)}`);
  for (let at = 0; at < depth; at++) read = (read as { '"': unknown[] })['"'][0];
  expect(read).toBe(7);
});

test('nobody else parses JSON', () => {
  const direct = ['src', 'routes', 'runners']
    .flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root }))
    .filter((file) => {
      const code = readFileSync(join(root, file), 'utf8').replace(
        /\/\*[\s\S]*?\*\/|^\s*\/\/.*$| \/\/ .*$/gm,
        '',
      );
      return /\bJSON\s*(?:\.|\?\.|\[)\s*['"]?parse\b|\{[^}]*\bparse\b[^}]*\}\s*=\s*JSON\b|getDefaultJsonParser|\.json\(\)/.test(
        code,
      );
    });
  expect(direct).toEqual(['src/platform/json-parse.ts']);
});
