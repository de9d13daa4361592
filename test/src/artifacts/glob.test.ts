import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Effort } from '../../../src/artifacts/effort.ts';
import {
  BadGlob,
  compileGlob,
  compileGlobs,
  fixedNames,
  type GlobPosition,
  startOf,
  step,
} from '../../../src/artifacts/glob.ts';
import { LeftOut } from '../../../src/artifacts/open-inside.ts';

async function matches(pattern: string, path: string): Promise<boolean> {
  let position: GlobPosition = startOf(compileGlob(pattern));
  const names = path.split('/');
  for (const [index, name] of names.entries()) {
    const { matched, below } = await step(position, name);
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
])('%j and %j: %s', async (pattern, path, expected) => {
  expect(await matches(pattern, path)).toBe(expected);
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

test('a pattern made to backtrack does not hold the event loop', async () => {
  expect(await matches(`${'*a'.repeat(200)}b`, 'a'.repeat(250))).toBe(false);
  expect(await matches(`${'**/'.repeat(200)}b`, 'a/'.repeat(200))).toBe(false);
});

test('many patterns made to backtrack leave the event loop its turns, within one name too', async () => {
  const patterns = Array.from({ length: 700 }, (_, n) => `*${'a'.repeat(130)}${n}`);
  const globs = compileGlobs(patterns, (pattern, reason) => expect.fail(`${pattern}: ${reason}`));
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const { matched } = await step(startOf(globs), 'a'.repeat(253));
  done = true;
  expect(matched).toEqual([]);
  expect(turns).toBeGreaterThan(1);
});

test('the patterns of a request may cost so much together, and no more', async () => {
  const globs = compileGlobs(['*aaab', '*'], () => {});
  const position = startOf(globs, new Effort(500));
  const { below } = await step(position, 'a'.repeat(50));
  expect(below.effort).toBe(position.effort);
  await expect(
    step(position, 'a'.repeat(50)).then(() => step(below, 'a').then(() => step(position, 'a'.repeat(50)))),
  ).rejects.toThrow(LeftOut);
});

test('the patterns of a request have so many characters together, and those beyond are named', () => {
  const alternatives = `{${Array.from({ length: 100 }, (_, n) => n).join(',')}}`;
  const patterns = Array.from({ length: 100 }, (_, n) => `*${'a'.repeat(80 + n)}${alternatives}`);
  const refused: string[] = [];
  const globs = compileGlobs([...patterns, '*.txt'], (pattern, reason) => {
    expect(reason).toContain('together more than 100000 characters');
    refused.push(pattern);
  });
  expect(globs.length).toBeGreaterThan(0);
  expect(refused).toEqual([...patterns, '*.txt'].slice(globs.length / 100));
  expect(compileGlobs(['a', '/b', '{c,d}'], (pattern) => refused.push(pattern))).toHaveLength(3);
  expect(refused.at(-1)).toBe('/b');
});

test('a path matches itself when every character is escaped', async () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((s) => !/[/\0]/.test(s) && !/^\.\.?$/.test(s));
  await fc.assert(
    fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 4 }), async (names) => {
      const pattern = names.map((n) => Array.from(n, (char) => `\\${char}`).join('')).join('/');
      expect(await matches(pattern, names.join('/'))).toBe(true);
    }),
  );
});

test('names are known without a listing only when every glob asks for a fixed one', () => {
  expect(fixedNames(startOf([...compileGlob('a/b'), ...compileGlob('{c,a}')]))).toEqual(['a', 'c']);
  expect(fixedNames(startOf([...compileGlob('a'), ...compileGlob('**/b')]))).toBeNull();
});

test('many ** in a row are one', async () => {
  expect(compileGlob('a/**/**/**/b').map(({ segments }) => segments.length)).toEqual([3]);
  for (const path of ['a/b', 'a/x/b', 'a/x/y/b']) expect(await matches('a/**/**/**/b', path)).toBe(true);
  expect(compileGlob(`${'**/'.repeat(300)}`)[0]?.segments.length).toBe(2);
});
