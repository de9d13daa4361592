/**
 * What a terminal of this size shows after these bytes: the few control functions of ECMA-48 that the command line uses. Any other is an
 * error. Lines that have left it at the top are kept.
 */
export function screenOf(bytes: string, columns: number, rows: number): string[] {
  const lines: string[][] = [[]];
  let [row, column] = [0, 0];
  const lineAt = (at: number): string[] => {
    while (lines.length <= at) lines.push([]);
    return lines[at] as string[];
  };
  for (const { 0: one, groups } of bytes.matchAll(PARTS)) {
    if (one === '\r') column = 0;
    else if (one === '\n') row++;
    else if (one === '\t') column = 8 * (Math.floor(column / 8) + 1);
    else if (one === '\b') column = Math.max(0, column - 1);
    else if (groups?.end === undefined) {
      if (one < ' ') continue;
      if (column >= columns) [row, column] = [row + 1, 0];
      const line = lineAt(row);
      while (line.length < column) line.push(' ');
      line[column++] = one;
    } else {
      const number = Number(groups.numbers || 0);
      const top = Math.max(0, lines.length - rows);
      if (groups.end === 'A') row = Math.max(top, row - (number || 1));
      else if (groups.end === 'G') column = Math.max(0, number - 1);
      else if (groups.end === 'K' && number === 0) lineAt(row).splice(column);
      else if (groups.end === 'J' && number === 0) {
        lineAt(row).splice(column);
        lines.length = row + 1;
      } else if (!'mhl'.includes(groups.end))
        throw new Error(`the terminal does not know ${JSON.stringify(one)}`);
    }
    lineAt(row);
  }
  return lines.map((line) => line.join('').trimEnd());
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const PARTS = /\x1b\[(?<numbers>[\d;?]*)(?<end>[A-Za-z])|[\s\S]/gu;
