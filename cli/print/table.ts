import { visible } from '../process/visible.ts';
import { cut, widthOf } from '../process/width.ts';

/** What a cell looks like on a terminal: its text, with what colours it around it. */
export type Paint = (text: string, row: number, column: number) => string;

/** Rows under a heading, in columns two spaces apart; the last column ends with the line of a terminal of so many columns. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
  paint: Paint = (text) => text,
): string {
  const all = [heading, ...rows.map((row) => row.map(visible))];
  const widths = widthsOf(heading, all);
  return all
    .map((row, index) => {
      let left = columns;
      const cells = row.map((cell, at) => {
        const width = Math.min(widths[at] ?? 0, left);
        const shown = width > 0 ? cut(cell, width) : '';
        const isLast = at === row.length - 1;
        const gap = isLast ? 0 : Math.min((widths[at] ?? 0) + 2, left) - widthOf(shown);
        left -= (widths[at] ?? 0) + 2;
        return (index === 0 ? shown : paint(shown, index - 1, at)) + ' '.repeat(Math.max(0, gap));
      });
      return `${cells.join('')}\n`;
    })
    .join('');
}

/** Of each column. */
export const widthsOf = (heading: readonly string[], rows: readonly (readonly string[])[]): number[] =>
  heading.map((name, at) => rows.reduce((most, row) => Math.max(most, widthOf(row[at] ?? '')), name.length));

/** Of standard output; a file or a pipe has any number. */
export const columnsOfOutput = (): number =>
  process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
