import type { AddressGuard } from '../../src/outbound/address-guard.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { webhookHeaders } from '../../src/outbound/signature.ts';
import { postWebhook, type WebhookAnswer } from '../../src/outbound/signed-post.ts';

interface ClaimPost {
  url: string;
  messageId: string;
  /** Name of a secret, or null: not signed. */
  secret: string | null;
  body: string;
  signal: AbortSignal;
}

/** POSTs claims to workers, guarded at connect, signed as Standard Webhooks say. */
export function claimPoster(
  guard: AddressGuard,
  secrets: Secrets,
): (request: ClaimPost) => Promise<WebhookAnswer> {
  return ({ url, messageId, secret, body, signal }) => {
    const key = secret === null ? null : (secrets.get(secret)?.value ?? null);
    // A run carried on by a server that no longer holds it: nothing goes out unsigned that should be signed.
    if (secret !== null && key === null)
      throw new Error(`the server holds no secret ${JSON.stringify(secret)}`);
    const headers = webhookHeaders({ id: messageId, createdAt: 0 }, key, body, Date.now());
    return postWebhook({ url, headers, body, guard, signal });
  };
}
