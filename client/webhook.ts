import { RunwireError } from './errors.ts';
import type { RuntimeResult } from './openapi.ts';

export interface Webhook {
  /** As it came: the signature is of these bytes. */
  body: string | Uint8Array;
  headers: Headers | { readonly [name: string]: string | readonly string[] | undefined };
  /** That of `options.on_finish`. */
  secret: string;
  /** How old, or how much ahead of this clock, it may be. Default 300. */
  toleranceSeconds?: number | undefined;
}

/** It is not from who has the secret, or too old (`bad_signature`). */
export class WebhookError extends RunwireError {}

/** The result that a POST of `on_finish` brings, if it is signed as Standard Webhooks say. `webhook-id` tells repeats apart. */
export async function verifyWebhook(
  { body, headers, secret, toleranceSeconds = 300 }: Webhook,
  now = Date.now(),
): Promise<RuntimeResult> {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
    headerOf(headers, `webhook-${name}`),
  );
  if (!id || !timestamp || !signatures) throw bad('a header of the webhook is missing');
  if (!/^\d{1,12}$/.test(timestamp) || !(Math.abs(now / 1000 - Number(timestamp)) <= toleranceSeconds))
    throw bad('the webhook is too old, or of a time to come');
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + bytes.length);
  signed.set(head);
  signed.set(bytes, head.length);
  const usage = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', keyOf(secret), usage, false, ['verify']);
  for (const signature of signatures.split(' ')) {
    const [version, mac = ''] = signature.split(',');
    const given = version === 'v1' ? decoded(mac) : null;
    if (given !== null && (await crypto.subtle.verify('HMAC', key, given, signed)))
      return JSON.parse(new TextDecoder().decode(bytes));
  }
  throw bad('the signature of the webhook is not right');
}

function headerOf(headers: Webhook['headers'], name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** A secret that begins with `whsec_` is the base64 of the key; any other is the key itself, as UTF-8. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  if (!secret.startsWith('whsec_')) return new TextEncoder().encode(secret);
  const key = decoded(secret.slice(6));
  if (key === null) throw new TypeError('the secret is not the base64 of a key');
  return key;
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null; // it is not base64
  }
}

const bad = (words: string): WebhookError => new WebhookError(words, { code: 'bad_signature' });
