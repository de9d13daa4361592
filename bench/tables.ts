import type { Spread } from './statistics.ts';
import { table } from './statistics.ts';

/** What a part shows of its report: the same for the terminal and for the documents. */
export interface Table {
  title: string;
  /** Conditions and what the columns mean, one sentence each. */
  notes: string[];
  /** The first column names the row, the others are figures. */
  columns: string[];
  rows: string[][];
}

export function asText({ title, notes, columns, rows }: Table): string {
  return [title, ...notes.map((note) => `  ${note}`), '', table([columns, ...rows]), ''].join('\n');
}

export function asMarkdown({ title, notes, columns, rows }: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.trim().replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = columns.map((_, column) => (column === 0 ? '---' : '--:'));
  return [
    `**${title}**`,
    '',
    ...(notes.length > 0 ? [notes.join(' '), ''] : []),
    ...[columns, rule, ...rows].map(line),
  ].join('\n');
}

/** A number with as many digits as it deserves: three, and no decimals from 100 on. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** A median with its least and most. */
export function withSpread({ median, min, max }: Spread, digits = 2): string {
  if (!Number.isFinite(median)) return '–';
  // Nothing is shown as less than nothing because of rounding.
  const shown = (value: number) => value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, '$1');
  return `${shown(median)} (${shown(min)}–${shown(max)})`;
}

export const megabytes = (bytes: number): string => figure(bytes / 1e6);
