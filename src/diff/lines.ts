import type { Turns } from './turns.ts';

const NEWLINE = 10;
/** Steps between two looks at the clock. */
const LOOK_EVERY = 4096;

/** A text in its lines, each with its newline; the last one may have none. A character is a byte (latin1). */
export interface Lines {
  text: string;
  /** Where each begins, and the end of the text. */
  starts: Int32Array;
  count: number;
}

export async function linesOf(bytes: Buffer, turns: Turns): Promise<Lines> {
  const starts = new Int32Array((await countOf(bytes, turns)) + 1);
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    starts[count++] = at;
    const newline = bytes.indexOf(NEWLINE, at);
    at = newline === -1 ? bytes.length : newline + 1;
    if (count % LOOK_EVERY === 0) await turns.next();
  }
  starts[count] = bytes.length;
  return { text: bytes.toString('latin1'), starts, count };
}

async function countOf(bytes: Buffer, turns: Turns): Promise<number> {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    const newline = bytes.indexOf(NEWLINE, at);
    at = newline === -1 ? bytes.length : newline + 1;
    if (count % LOOK_EVERY === 0) await turns.next();
  }
  return count;
}

export const lineAt = ({ text, starts }: Lines, at: number): string => text.slice(starts[at], starts[at + 1]);

/** Both texts with a number for each line: the same line has the same one. */
export async function numbered(
  old: Lines,
  now: Lines,
  turns: Turns,
): Promise<{ old: Int32Array; now: Int32Array; kinds: number }> {
  const known = new Map<string, number>();
  const numbersOf = async (lines: Lines): Promise<Int32Array> => {
    const numbers = new Int32Array(lines.count);
    for (let at = 0; at < lines.count; at++) {
      const line = lineAt(lines, at);
      const number = known.get(line) ?? known.size;
      if (number === known.size) known.set(line, number);
      numbers[at] = number;
      if (at % LOOK_EVERY === 0) await turns.next();
    }
    return numbers;
  };
  return { old: await numbersOf(old), now: await numbersOf(now), kinds: known.size };
}
