import { hash } from 'node:crypto';
import { canonicalJson } from '../documents/canonical-json.ts';
import type { SessionInput } from '../documents/session.ts';

/** SHA-256 (hex) of a session as it was asked for: the same JSON value has the same. `files`: of those beside it. */
export function fingerprintOf(input: SessionInput, files: string | null): string {
  return hash('sha256', `${canonicalJson(input)}\n${files ?? ''}`);
}
