import { expect, test } from 'vitest';
import { cut, widthOf, wrap } from '../../../cli/process/width.ts';

test.each([
  ['plain', 5],
  ['日本語', 6],
  ['e\u0301', 1],
  ['한국', 4],
  ['👩‍👩‍👧', 2],
  ['🇫🇷', 2],
  ['❤️', 2],
  ['a\u200bb', 2],
  ['', 0],
])('%s needs %i columns', (text, columns) => {
  expect(widthOf(text)).toBe(columns);
});

test('cut never takes half of a character, nor more columns than there are', () => {
  expect(cut('日本語', 6)).toBe('日本語');
  expect(cut('日本語', 5)).toBe('日本…');
  expect(cut('日本語', 4)).toBe('日…');
  expect(cut('abc', 2)).toBe('a…');
});

test('wrap has so many lines at most, and says that there is more', () => {
  expect(wrap('abcdef', 3, 2)).toEqual(['abc', 'def']);
  expect(wrap('abcdefg', 3, 2)).toEqual(['abc', 'de…']);
  expect(wrap('日本語', 3, 9)).toEqual(['日', '本', '語']);
  expect(wrap('', 3, 2)).toEqual(['']);
});
