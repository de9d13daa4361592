import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BadGlob,
  compileGlob,
  fixedNames,
  type GlobPosition,
  startOf,
  step,
} from '../../../src/artifacts/glob.ts';

function matches(pattern: string, path: string): boolean {
  let position: GlobPosition = startOf(compileGlob(pattern));
  const names = path.split('/');
  for (const [index, name] of names.entries()) {
    const { matched, below } = step(position, name);
    if (index === names.length - 1) return matched.length > 0;
    position = below;
  }
  return false;
}

test.each([
  ['report.json', 'report.json', true],
  ['report.json', 'a/report.json', false],
  ['./a//b', 'a/b', true],
  ['*.txt', 'a.txt', true],
  ['*.txt', 'a/b.txt', false],
  ['*', '.hidden', false],
  ['.*', '.hidden', true],
  ['**/*', 'a/.b/c', false],
  ['**', 'a/b/c', true],
  ['**', 'c', true],
  ['a/**', 'a', false],
  ['a/**', 'a/b/c', true],
  ['a/', 'a/b/c', true],
  ['**/a/**/b', 'x/a/b', true],
  ['**/a/**/b', 'x/a/y/a/z/b', true],
  ['**/a/**/b', 'x/b', false],
  ['**/*.{js,ts}', 'x/y.ts', true],
  ['{a,{b,c/d}}.txt', 'c/d.txt', true],
  ['{a}', '{a}', true],
  ['a[', 'a[', true],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['[^a-c]x', 'dx', true],
  ['[]]', ']', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['?', '😀', true],
  ['?', 'ab', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-b-b-d', false],
  ['*', 'line\nbreak', true],
])('%j and %j: %s', (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test.each([
  '/etc/*',
  '../x',
  'a/../../x',
  '{.,a}./x',
  '\\.\\./x',
  '.',
  '',
  'a\0b',
  'x'.repeat(5000),
  '{a,b}'.repeat(20),
])('the pattern %j is refused', (pattern) => {
  expect(() => compileGlob(pattern)).toThrow(BadGlob);
});

test('a pattern made to backtrack does not hold the event loop', () => {
  expect(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(250))).toBe(false);
  expect(matches(`${'**/'.repeat(200)}b`, 'a/'.repeat(200))).toBe(false);
});

test('a path matches itself when every character is escaped', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((s) => !/[/\0]/.test(s) && !/^\.\.?$/.test(s));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      const pattern = names.map((n) => Array.from(n, (char) => `\\${char}`).join('')).join('/');
      expect(matches(pattern, names.join('/'))).toBe(true);
    }),
  );
});

test('names are known without a listing only when every glob asks for a fixed one', () => {
  expect(fixedNames(startOf([...compileGlob('a/b'), ...compileGlob('{c,a}')]))).toEqual(['a', 'c']);
  expect(fixedNames(startOf([...compileGlob('a'), ...compileGlob('**/b')]))).toBeNull();
});
