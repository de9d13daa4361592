import imported from '@jest/diff-sequences';
import { type Lines, numbered } from './lines.ts';

/** Its types are of its CommonJS form; a module is given the function itself. */
const diffSequences = imported as unknown as typeof imported.default;

/** Comparisons of lines that one file may cost: some 150 ms. */
const MOST_COMPARISONS = 10_000_000;

/** Lines of the old text, from `oldStart` to before `oldEnd`, that became those of the new. */
export interface Edit {
  oldStart: number;
  oldEnd: number;
  newStart: number;
  newEnd: number;
}

/** What makes the new text of the old one, in order: the fewest lines, or, where that costs too much, all that lies between the first and the last that differ. */
export function editsOf(old: Lines, now: Lines): Edit[] {
  if (old.count === 0 || now.count === 0) return whole(0, old.count, 0, now.count);
  const numbers = numbered(old, now);
  const [as, bs] = [numbers.old, numbers.now];
  let start = 0;
  while (start < as.length && start < bs.length && as[start] === bs[start]) start++;
  let [aEnd, bEnd] = [as.length, bs.length];
  while (aEnd > start && bEnd > start && as[aEnd - 1] === bs[bEnd - 1]) {
    aEnd--;
    bEnd--;
  }
  const [aKept, bKept] = keptOf(as.subarray(start, aEnd), bs.subarray(start, bEnd), numbers.kinds);
  const edits: Edit[] = [];
  for (let a = start, b = start; a < aEnd || b < bEnd; ) {
    const edit = { oldStart: a, oldEnd: a, newStart: b, newEnd: b };
    while (a < aEnd && aKept[a - start] === 0) a++;
    while (b < bEnd && bKept[b - start] === 0) b++;
    if (a > edit.oldStart || b > edit.newStart) edits.push({ ...edit, oldEnd: a, newEnd: b });
    while (a < aEnd && b < bEnd && aKept[a - start] === 1 && bKept[b - start] === 1) {
      a++;
      b++;
    }
  }
  return slid(edits, as, bs);
}

const whole = (oldStart: number, oldEnd: number, newStart: number, newEnd: number): Edit[] =>
  oldStart === oldEnd && newStart === newEnd ? [] : [{ oldStart, oldEnd, newStart, newEnd }];

/** Which lines of either side stay, 1, in a longest sequence that both have. */
function keptOf(as: Int32Array, bs: Int32Array, kinds: number): [Uint8Array, Uint8Array] {
  const [aKept, bKept] = [new Uint8Array(as.length), new Uint8Array(bs.length)];
  // Lines that only one side has are in no such sequence, and cost the most.
  const [aPlaces, bPlaces] = [placesOfCommon(as, bs, kinds), placesOfCommon(bs, as, kinds)];
  let left = MOST_COMPARISONS;
  const isCommon = (a: number, b: number): boolean => {
    if (left-- === 0) throw new TooMany();
    return as[aPlaces[a] ?? 0] === bs[bPlaces[b] ?? 0];
  };
  try {
    diffSequences(aPlaces.length, bPlaces.length, isCommon, (count, a, b) => {
      for (let at = 0; at < count; at++) {
        aKept[aPlaces[a + at] ?? 0] = 1;
        bKept[bPlaces[b + at] ?? 0] = 1;
      }
    });
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    aKept.fill(0);
    bKept.fill(0);
  }
  return [aKept, bKept];
}

class TooMany extends Error {}

function placesOfCommon(of: Int32Array, others: Int32Array, kinds: number): Int32Array {
  const has = new Uint8Array(kinds);
  for (const number of others) has[number] = 1;
  const places = new Int32Array(of.length);
  let count = 0;
  for (let at = 0; at < of.length; at++) if (has[of[at] ?? 0] === 1) places[count++] = at;
  return places.subarray(0, count);
}

/** Lines that only come, or only go, as far down as they can, as git has them: a whole function, not the end of one and the start of another. */
function slid(edits: Edit[], as: Int32Array, bs: Int32Array): Edit[] {
  for (const [index, edit] of edits.entries()) {
    const comes = edit.oldStart === edit.oldEnd;
    if (!comes && edit.newStart !== edit.newEnd) continue;
    const [side, start, end] = comes ? [bs, edit.newStart, edit.newEnd] : [as, edit.oldStart, edit.oldEnd];
    const next = edits[index + 1];
    // A line stays between two edits: they are two.
    const border = next === undefined ? side.length : (comes ? next.newStart : next.oldStart) - 1;
    let by = 0;
    while (end + by < border && side[start + by] === side[end + by]) by++;
    edit.oldStart += by;
    edit.oldEnd += by;
    edit.newStart += by;
    edit.newEnd += by;
  }
  return edits;
}
