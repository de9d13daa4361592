const NEWLINE = 10;

/** A text in its lines, each with its newline; the last one may have none. A character is a byte (latin1). */
export interface Lines {
  text: string;
  /** Where each begins, and the end of the text. */
  starts: Int32Array;
  count: number;
}

export function linesOf(bytes: Uint8Array): Lines {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = 0; at < buffer.length; count++) at = endOfLine(buffer, at);
  const starts = new Int32Array(count + 1);
  for (let at = 0, line = 0; at < buffer.length; starts[line] = at) {
    line++;
    at = endOfLine(buffer, at);
  }
  return { text: buffer.toString('latin1'), starts, count };
}

function endOfLine(buffer: Buffer, at: number): number {
  const newline = buffer.indexOf(NEWLINE, at);
  return newline === -1 ? buffer.length : newline + 1;
}

export const lineAt = ({ text, starts }: Lines, at: number): string => text.slice(starts[at], starts[at + 1]);

/** Both texts with a number for each line: the same line has the same one. */
export function numbered(old: Lines, now: Lines): { old: Int32Array; now: Int32Array; kinds: number } {
  const known = new Map<string, number>();
  const numbersOf = (lines: Lines): Int32Array => {
    const numbers = new Int32Array(lines.count);
    for (let at = 0; at < lines.count; at++) {
      const line = lineAt(lines, at);
      const number = known.get(line) ?? known.size;
      if (number === known.size) known.set(line, number);
      numbers[at] = number;
    }
    return numbers;
  };
  return { old: numbersOf(old), now: numbersOf(now), kinds: known.size };
}
