import { expect, test } from 'vitest';
import { asMarkdown, asText, figure, type Table, withSpread } from '../../bench/tables.ts';

const table: Table = {
  title: 'Large output',
  notes: ['One.', 'Two.'],
  columns: ['read by', 'MB/s'],
  rows: [['a | b', '12']],
};

test('A table is text for the terminal and Markdown for the documents', () => {
  expect(asText(table)).toBe('Large output\n  One.\n  Two.\n\nread by  MB/s\na | b      12\n');
  expect(asMarkdown(table)).toBe(
    '**Large output**\n\nOne. Two.\n\n| read by | MB/s |\n| --- | --: |\n| a \\| b | 12 |',
  );
});

test('Figures have three digits, and what was not measured is a dash', () => {
  expect([1234.5, 99.94, 1.234, 0.001].map(figure)).toEqual(['1235', '99.9', '1.23', '0.00']);
  expect([Number.NaN, Number.POSITIVE_INFINITY].map(figure)).toEqual(['–', '–']);
});

test('A spread tells the median, the least and the most', () => {
  expect(withSpread({ median: 1, min: 0.501, max: 2 })).toBe('1.00 (0.50–2.00)');
  expect(withSpread({ median: -0.001, min: -0.4, max: 2 }, 0)).toBe('0 (0–2)');
  expect(withSpread({ median: Number.NaN, min: 1, max: 2 })).toBe('–');
});
