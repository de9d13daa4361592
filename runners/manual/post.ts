import type { AddressGuard } from '../../src/outbound/address-guard.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { webhookHeaders } from '../../src/outbound/signature.ts';
import { postWebhook, type WebhookAnswer } from '../../src/outbound/signed-post.ts';

/** One POST of a claim to a worker's address. Rejects with Node's error when no answer came. */
export type PostClaim = (request: {
  url: string;
  /** The same for every try of one claim, another for every other claim. */
  messageId: string;
  /** Name of the secret to sign with, or null: not signed. */
  secret: string | null;
  body: string;
  signal: AbortSignal;
}) => Promise<WebhookAnswer>;

/** Guarded at connect, signed as Standard Webhooks say. */
export function claimPoster(guard: AddressGuard, secrets: Secrets): PostClaim {
  return ({ url, messageId, secret, body, signal }) => {
    const key = secret === null ? null : (secrets.get(secret)?.value ?? null);
    // A run resumed by a server that no longer holds it: nothing goes out unsigned that should be signed.
    if (secret !== null && key === null)
      throw new Error(`the server holds no secret ${JSON.stringify(secret)}`);
    const headers = webhookHeaders({ id: messageId, createdAt: 0 }, key, body, Date.now());
    return postWebhook({ url, headers, body, guard, signal });
  };
}
