import { RunwireError } from '../../src/documents/errors.ts';

/** The names, and whatever an escape may make one of their letters of. */
const SUSPECT = /__proto__|constructor|\\u00(?:5f|6|7)/i;

/**
 * The value of a JSON text, which has no name that could poison a prototype where it is copied member by member.
 * Throws RunwireError malformed_json.
 */
export function harmless(value: unknown, text: string): unknown {
  if (SUSPECT.test(text) && hasHarmfulName(value))
    throw new RunwireError('malformed_json', 'The keys __proto__ and constructor.prototype are not taken.');
  return value;
}

function hasHarmfulName(value: unknown): boolean {
  const left = [value];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (typeof at !== 'object' || at === null) continue;
    if (Object.hasOwn(at, '__proto__') || hasOwnPrototype(at)) return true;
    for (const member of Object.values(at)) if (typeof member === 'object') left.push(member);
  }
  return false;
}

function hasOwnPrototype(object: object): boolean {
  if (!Object.hasOwn(object, 'constructor')) return false;
  const { constructor: made } = object as { constructor: unknown };
  return typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype');
}
