import { createHash, createHmac } from 'node:crypto';

/**
 * The headers of one attempt (Standard Webhooks 1.0). `webhook-id` is the same for every attempt of one
 * run and differs when a deleted run's id is used again; it has no full stop, which parts the signed text.
 * Without a secret there is no `webhook-signature`.
 */
export function webhookHeaders(
  run: { id: string; createdAt: number },
  secret: string | null,
  body: string,
  now: number,
): Record<string, string> {
  const id = `msg_${createHash('sha256').update(`${run.id}\n${run.createdAt}`).digest('hex').slice(0, 32)}`;
  const timestamp = String(Math.floor(now / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  return secret === null ? headers : { ...headers, 'webhook-signature': sign(secret, id, timestamp, body) };
}

/** `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. */
export function sign(secret: string, id: string, timestamp: string, body: string): string {
  const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`);
  return `v1,${mac.digest('base64')}`;
}

/** A secret that begins with `whsec_` is the base64 of the key; any other is the key itself, as UTF-8. */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
}
