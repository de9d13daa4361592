/** A stretch of bytes as text, and what of it was taken. */
export interface Fitted {
  text: string;
  /** Of the bytes that were given: from `start` up to and without `end`. */
  start: number;
  end: number;
  /** There was no room for all. */
  isCut: boolean;
}

export interface FitOptions {
  /** In bytes, measured as JSON has the text (RFC 8259, 7): that is never less than it takes as UTF-8. */
  room: number;
  side: 'first' | 'last';
  /** There are bytes before these: a character that began there is none of them. */
  cutBefore: boolean;
  /** There are, or may be, bytes after them. */
  cutAfter: boolean;
  /** Where it is cut it is cut between lines, if that does not cost half of it. */
  wholeLines?: boolean;
}

/** The first or the last characters of bytes that fit. What is no UTF-8 becomes U+FFFD. */
export function fitting(bytes: Uint8Array, options: FitOptions): Fitted {
  const { room, side, wholeLines = false } = options;
  const { count, starts, costs } = charactersOf(bytes, options);
  const isFirst = side === 'first';
  let cost = 0;
  let taken = 0;
  for (; taken < count; taken++) {
    cost += costs[isFirst ? taken : count - 1 - taken] ?? 0;
    if (cost > room) break;
  }
  let start = starts[isFirst ? 0 : count - taken] ?? 0;
  let end = starts[isFirst ? taken : count] ?? 0;
  const middle = (start + end) / 2;
  if (wholeLines && isFirst && end > 0) {
    const line = bytes.lastIndexOf(LINE_BREAK, end - 1) + 1;
    if (line > middle) end = line;
  } else if (wholeLines && !isFirst && bytes[start - 1] !== LINE_BREAK) {
    const line = bytes.indexOf(LINE_BREAK, start) + 1;
    if (line > 0 && line < middle) start = line;
  }
  return { text: decoder.decode(bytes.subarray(start, end)), start, end, isCut: taken < count };
}

const LINE_BREAK = 10;

/** So many bytes it takes as a string in JSON, without its quotes. */
export const jsonSize = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

interface Characters {
  count: number;
  /** Where each begins, and where the last ends. */
  starts: Uint32Array;
  /** In JSON. */
  costs: Uint8Array;
}

/** Of what is no UTF-8 each byte counts for one U+FFFD, which is no less than it becomes. */
function charactersOf(bytes: Uint8Array, { cutBefore, cutAfter }: FitOptions): Characters {
  const starts = new Uint32Array(bytes.length + 1);
  const costs = new Uint8Array(bytes.length);
  let count = 0;
  let at = 0;
  if (cutBefore) while (at < 3 && isContinuation(bytes[at])) at++;
  while (at < bytes.length) {
    const length = lengthAt(bytes, at);
    if (length === 'cut' && cutAfter) break;
    starts[count] = at;
    costs[count++] =
      length === 1 ? (COSTS[bytes[at] ?? 0] ?? 1) : length === 0 || length === 'cut' ? 3 : length;
    at += typeof length === 'number' ? Math.max(1, length) : 1;
  }
  starts[count] = at;
  return { count, starts, costs };
}

/** Bytes of the character that begins there; 0: none does, `cut`: its end is not there. */
function lengthAt(bytes: Uint8Array, at: number): number | 'cut' {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first >= 0xf5) return 0;
  const second = bytes[at + 1];
  // Overlong forms, halves of surrogate pairs, and what is above U+10FFFF (RFC 3629, 3).
  const [least, most] = SECONDS[first] ?? [0x80, 0xbf];
  if (second !== undefined && (second < least || second > most)) return 0;
  for (let next = 1; next < length; next++) {
    if (at + next >= bytes.length) return 'cut';
    if (!isContinuation(bytes[at + next])) return 0;
  }
  return length;
}

const SECONDS: { readonly [first: number]: readonly [number, number] } = {
  224: [0xa0, 0xbf],
  237: [0x80, 0x9f],
  240: [0x90, 0xbf],
  244: [0x80, 0x8f],
};

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** What the characters of ASCII take in JSON. */
const COSTS = Array.from({ length: 128 }, (_none, code) => jsonSize(String.fromCharCode(code)));
