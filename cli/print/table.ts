import { visible } from '../process/visible.ts';

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const UNSEEN = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a terminal needs for a text without control characters. */
export function widthOf(text: string): number {
  let width = 0;
  for (const one of text) width += UNSEEN.test(one) ? 0 : WIDE.test(one) ? 2 : 1;
  return width;
}

/** Rows under a heading, in columns two spaces apart; the last column ends with the line of a terminal of so many columns. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): string {
  const all = [heading, ...rows.map((row) => row.map(visible))];
  const widths = heading.map((_, at) => Math.max(...all.map((row) => widthOf(row[at] ?? ''))));
  return all
    .map((row) => {
      const cells = row.map((cell, at) =>
        at === row.length - 1 ? cell : cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell)),
      );
      return `${cut(cells.join('  '), columns)}\n`;
    })
    .join('');
}

export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const one of text) {
    width += widthOf(one);
    if (width > columns) break;
    kept += one;
  }
  return `${kept}…`;
}

/** Of standard output; a file or a pipe has any number. */
export const columnsOfOutput = (): number =>
  process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
