import { expect, test } from 'vitest';
import { editsOf } from '../../../src/diff/edits.ts';
import { linesOf } from '../../../src/diff/lines.ts';

const edits = (old: string, now: string): number[][] =>
  editsOf(linesOf(Buffer.from(old)), linesOf(Buffer.from(now))).map((edit) => Object.values(edit));

test('the fewest lines, wherever they are', () => {
  expect(edits('', '')).toEqual([]);
  expect(edits('a\n', 'a\n')).toEqual([]);
  expect(edits('', 'a\nb')).toEqual([[0, 0, 0, 2]]);
  expect(edits('a\nb', '')).toEqual([[0, 2, 0, 0]]);
  expect(edits('a\nb\nc\n', 'a\nx\nc\n')).toEqual([[1, 2, 1, 2]]);
  expect(edits('a\nb\nc\nd\n', 'b\nc\ny\nd\n')).toEqual([
    [0, 1, 0, 0],
    [3, 3, 2, 3],
  ]);
  expect(edits('a\n', 'a')).toEqual([[0, 1, 0, 1]]);
});

test('lines that only come or go are as far down as they can be, and never join the next change', () => {
  expect(edits('a\na\nb\n', 'a\na\na\nb\n')).toEqual([[2, 2, 2, 3]]);
  expect(edits('x\n{\n}\ny\n', 'x\n{\n}\n{\n}\ny\n')).toEqual([[3, 3, 3, 5]]);
  expect(edits('a\na\n', 'a\n')).toEqual([[1, 2, 1, 1]]);
});

test('where the fewest cost too much, all between the first and the last line that differ is replaced', () => {
  const line = (at: number): string => `${at}\n`;
  const count = 50_000;
  const old = Array.from({ length: count }, (_, at) => line(at));
  const now = Array.from({ length: count }, (_, at) => line((at * 7919) % count));
  expect(edits(`same\n${old.join('')}end\n`, `same\n${now.join('')}end\n`)).toEqual([
    [2, count + 1, 2, count + 1],
  ]);
});
