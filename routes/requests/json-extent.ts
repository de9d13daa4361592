import { setImmediate as turn } from 'node:timers/promises';

/** Of each value that is none an error is made: 300,000 of them take seconds. */
const MAX_VALUES = 50_000;
/** With those that are only passed on. They are parsed and written, a microsecond or two each. */
const MAX_PASSED_ON = 1_000_000;
/** What is done with a body may take a step of the stack a level; no document of ours comes near. */
const MAX_LEVELS = 500;
/** Members that are passed on as they are, and not looked into: bodies of calls, data of workers. */
const PASSED_ON = [Buffer.from('"body"'), Buffer.from('"data"')];
/** Looked at before others have their turn: a few milliseconds. */
const SLICE_BYTES = 1024 * 1024;

const [QUOTE, BACKSLASH, COLON, COMMA, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = Buffer.from('"\\:,[]{}');
const SPACE = 0x20;

/**
 * Is a JSON text deeper, or of more values, than any document of ours: what is wrong with it, in words. It is looked at
 * byte by byte before anything is made of it, since that takes seconds for 16 MB of brackets. A text that is no JSON is
 * for the parser to refuse.
 */
export async function extentFault(text: Buffer): Promise<string | null> {
  const looking = look(text);
  for (let step = looking.next(); ; step = looking.next()) {
    if (step.done) return step.value;
    await turn();
  }
}

function* look(text: Buffer): Generator<undefined, string | null> {
  /** Of what is looked into, and of what is passed on. */
  const values = [0, 0] as [number, number];
  let level = 0;
  let inString = false;
  let inScalar = false;
  /** Where the last string began, and ended. */
  let begin = 0;
  let end = 0;
  /** The level of the object whose member is passed on. */
  let passedOn: number | null = null;
  let slice = SLICE_BYTES;
  for (let at = 0; at < text.length; at++) {
    if (at >= slice) {
      slice += SLICE_BYTES;
      yield;
    }
    const byte = text[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) {
        inString = false;
        end = at + 1;
      }
      continue;
    }
    const which = passedOn === null ? 0 : 1;
    const wasScalar = inScalar;
    inScalar = false;
    switch (byte) {
      case QUOTE:
        inString = true;
        begin = at;
        values[which]++;
        break;
      case COLON: // the string before it was a name
        values[which]--;
        if (passedOn === null && isPassedOn(text, begin, end)) passedOn = level;
        break;
      case OPEN:
      case OPEN_LIST:
        if (++level > MAX_LEVELS) return `is nested deeper than ${MAX_LEVELS} levels`;
        values[which]++;
        break;
      case CLOSE:
      case CLOSE_LIST:
        level--;
        if (passedOn !== null && level < passedOn) passedOn = null;
        break;
      case COMMA:
        if (level === passedOn) passedOn = null;
        break;
      default:
        inScalar = (byte as number) > SPACE;
        if (inScalar && !wasScalar) values[which]++;
    }
    if (tooMany(values, 1)) break; // a name is counted until its colon
  }
  return tooMany(values, 0);
}

function isPassedOn(text: Buffer, begin: number, end: number): boolean {
  return PASSED_ON.some((name) => text.compare(name, 0, name.length, begin, end) === 0);
}

/** In words; null: there are no more than there may be, and `more`. */
function tooMany([looked, passedOn]: [number, number], more: number): string | null {
  if (looked > MAX_VALUES + more) return `has more than ${MAX_VALUES} values`;
  return passedOn > MAX_PASSED_ON + more
    ? `has more than ${MAX_PASSED_ON} values in what is only passed on`
    : null;
}
