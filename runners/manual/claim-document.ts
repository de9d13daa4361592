import type { Claimed } from '../../src/documents/claim.ts';
import type { Invocation } from '../../src/documents/invocation.ts';
import { pathOf } from '../../src/documents/invocation-id.ts';
import { redactInvocation } from '../../src/documents/redaction.ts';

/** What a worker is given. `base`: address of the server, or `` where the worker knows it. */
export function claimDocument(
  invocation: Invocation,
  base: string,
  facts: { token: string; attempt: number; leaseExpiresAt: number; files: boolean },
): Claimed {
  const run = `${base}${pathOf(invocation.invocation_id)}`;
  return {
    invocation: redactInvocation(invocation),
    claim: {
      token: facts.token,
      attempt: facts.attempt,
      lease_expires_at: new Date(facts.leaseExpiresAt).toISOString(),
      urls: {
        events: `${run}/events`,
        artifacts: `${run}/artifacts`,
        heartbeat: `${run}/heartbeat`,
        completion: `${run}/completion`,
        files: facts.files ? `${run}/files` : null,
      },
    },
  };
}
