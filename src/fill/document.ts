import { RunwireError } from '../documents/errors.ts';
import { isExactNumber } from '../platform/exact-json.ts';
import { type Filler, fillText } from './text.ts';

/** As deep as documents are taken. */
const MAX_DEPTH = 500;

export type Fault = (path: readonly string[], words: string) => void;

/**
 * A JSON value in which all texts are filled, names of members too; numbers, and what has nothing to be filled, are the very same.
 * Throws RunwireError invalid_invocation for what is nested too deeply.
 */
export function fillValue<Value>(value: Value, filler: Filler, path: readonly string[], fault: Fault): Value;
export function fillValue(value: unknown, filler: Filler, path: readonly string[], fault: Fault): unknown {
  if (typeof value === 'string') return fillText(value, filler, (words) => fault(path, words));
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return value;
  if (path.length >= MAX_DEPTH)
    throw new RunwireError('invalid_invocation', `The body is nested deeper than ${MAX_DEPTH} levels`);
  const at = (name: string | number) => [...path, String(name)];
  if (Array.isArray(value)) {
    const items = value.map((item, index) => fillValue<unknown>(item, filler, at(index), fault));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  let same = true;
  const members = new Map<string, unknown>();
  for (const [name, member] of Object.entries(value)) {
    const filledName = fillText(name, filler, (words) => fault(at(name), words));
    const filled = fillValue<unknown>(member, filler, at(name), fault);
    if (members.has(filledName)) fault(at(name), `is the same as another one: ${filledName}`);
    same &&= filledName === name && filled === member;
    members.set(filledName, filled);
  }
  // Not by assignment: a name may be one that objects have by nature.
  return same ? value : Object.fromEntries(members);
}
