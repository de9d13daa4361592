import { setImmediate as turn } from 'node:timers/promises';

/** What a JSON text may have at most. What costs the parser much is names, and lists and objects, whatever is in them. */
export interface Extent {
  names: number;
  /** Names with an escape (`"a\nb"`), each of which is read twice. */
  escapedNames: number;
  /** In names and texts. Each is read, and most are written again. */
  escapes: number;
  /** Lists and objects. */
  containers: number;
  levels: number;
}

/** Characters of a number, a word or what is none. Who reads numbers by their digits takes a step of the stack for each of some millions. */
const MAX_SCALAR = 100_000;

/** Looked at before others have their turn: a few milliseconds. */
const SLICE_BYTES = 1024 * 1024;
const [QUOTE, BACKSLASH, COLON, COMMA, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = Buffer.from('"\\:,[]{}');
const SPACE = 0x20;

/**
 * What a JSON text has more of than it may have, in words; null: nothing. It is looked at byte by byte before anything is
 * made of it, and others have their turn meanwhile. A text that is no JSON is for the parser to refuse.
 */
export async function excessOf(text: Buffer, most: Extent): Promise<string | null> {
  const looking = look(text, most);
  for (let step = looking.next(); ; step = looking.next()) {
    if (step.done) return step.value;
    await turn();
  }
}

/** The same at once. */
export function excessNow(text: Buffer, most: Extent): string | null {
  const looking = look(text, most);
  for (let step = looking.next(); ; step = looking.next()) if (step.done) return step.value;
}

function* look(text: Buffer, most: Extent): Generator<undefined, string | null> {
  let [names, escapedNames, escapes, containers, level] = [0, 0, 0, 0, 0];
  let scalar = 0;
  let inString = false;
  /** The last string has one. */
  let escaped = false;
  let slice = SLICE_BYTES;
  for (let at = 0; at < text.length; at++) {
    if (at >= slice) {
      slice += SLICE_BYTES;
      yield;
    }
    const byte = text[at];
    if (inString) {
      if (byte === BACKSLASH) {
        if (++escapes > most.escapes) return `has more than ${most.escapes} escapes in its texts`;
        escaped = true;
        at++;
      } else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
      escaped = false;
    } else if (byte === COLON) {
      if (++names > most.names) return `has more than ${most.names} names`;
      if (escaped && ++escapedNames > most.escapedNames)
        return `has more than ${most.escapedNames} names with an escape in them`;
    } else if (byte === OPEN || byte === OPEN_LIST) {
      if (++containers > most.containers) return `has more than ${most.containers} lists and objects`;
      if (++level > most.levels) return `is nested deeper than ${most.levels} levels`;
    } else if (byte === CLOSE || byte === CLOSE_LIST) level--;
    else if (byte !== COMMA && (byte as number) > SPACE) {
      if (++scalar > MAX_SCALAR) return `has a number of more than ${MAX_SCALAR} characters`;
      continue;
    }
    scalar = 0;
  }
  return null;
}
