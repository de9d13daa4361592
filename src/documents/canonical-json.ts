import { isExactNumber } from '../platform/exact-json.ts';
import { RunwireError } from './errors.ts';

/** Deeper documents are refused rather than left to the stack. */
const MAX_DEPTH = 500;

/**
 * JSON without white space and with sorted keys; `undefined` members are dropped. Throws RunwireError invalid_invocation
 * when the value is nested deeper than 500 levels.
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null || isExactNumber(value))
    return JSON.stringify(value) ?? 'null';
  if (depth === MAX_DEPTH)
    throw new RunwireError('invalid_invocation', `The body is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    let text = '[';
    for (const item of value) text += `${text === '[' ? '' : ','}${canonicalJson(item, depth + 1)}`;
    return `${text}]`;
  }
  const members = value as { [key: string]: unknown };
  let text = '{';
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member, depth + 1)}`;
  }
  return `${text}}`;
}
