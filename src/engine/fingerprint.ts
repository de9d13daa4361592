import { hash } from 'node:crypto';
import { canonicalJson } from '../documents/canonical-json.ts';
import type { InvocationInput } from '../documents/invocation.ts';

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
