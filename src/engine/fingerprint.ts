import { hash } from 'node:crypto';
import { RunwireError } from '../documents/errors.ts';
import type { InvocationInput } from '../documents/invocation.ts';
import { isExactNumber } from '../platform/exact-json.ts';

/** Deeper documents are refused rather than left to the stack. */
const MAX_DEPTH = 500;

/**
 * SHA-256 (hex) of an invocation as it was sent. Two bodies have the same fingerprint when they are
 * the same JSON value, whatever the order of keys and the white space; numbers that are `verbatim`, digit by digit. Nothing is interpreted: a field
 * that is absent differs from its default, `container` from `docker` (results echo the word), and
 * `invocation_id` counts, so that a key sent again with another id is another body.
 *
 * Only an invocation that came with an id or an Idempotency-Key can be sent again, so only those need
 * one. A run without a fingerprint equals no body: its id was made by the server and was in no body.
 *
 * `files`: the digest of files that came beside it.
 *
 * Throws RunwireError invalid_invocation when the value is nested deeper than 500 levels.
 */
export function fingerprint(input: InvocationInput, files: string | null = null): string {
  const json = canonicalJson(input);
  return hash('sha256', files === null ? json : `${json}\n${files}`);
}

/** JSON without white space and with sorted keys; `undefined` members are dropped. */
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
