import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { OnFinish } from '../../../src/documents/options.ts';
import { sign, webhookHeaders } from '../../../src/outbound/signature.ts';

const run = { id: 'a.b', createdAt: 1000 };

test('the signature covers id, timestamp and body with the key that the secret names', () => {
  const key = Buffer.from('0123456789abcdef0123456789abcdef');
  const headers = webhookHeaders(run, `whsec_${key.toString('base64')}`, '{"é":1}', 1_700_000_000_999);
  const text = `${headers['webhook-id']}.1700000000.{"é":1}`;
  expect(headers['webhook-timestamp']).toBe('1700000000');
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(text).digest('base64')}`);
});

test('a secret without the prefix is the key itself', () => {
  const secret = 'c2VjcmV0';
  expect(sign(secret, 'i', '1', 'b')).toBe(
    `v1,${createHmac('sha256', secret).update('i.1.b').digest('base64')}`,
  );
  expect(sign(`whsec_${secret}`, 'i', '1', 'b')).toBe(sign('secret', 'i', '1', 'b'));
});

test('without a secret nothing is signed', () => {
  expect(Object.keys(webhookHeaders(run, null, '', 0))).toEqual(['webhook-id', 'webhook-timestamp']);
});

test('the webhook-id is one for each run, the same at every attempt, and has no full stop', () => {
  const id = (of: typeof run, now = 0) => webhookHeaders(of, null, '', now)['webhook-id'];
  expect(id(run, 5000)).toBe(id(run));
  expect(id({ ...run, createdAt: 1001 })).not.toBe(id(run));
  expect(id({ ...run, id: 'a_b' })).not.toBe(id(run));
  expect(id(run)).toMatch(/^msg_[0-9a-f]{32}$/);
});

const isTaken = (secret: string) => OnFinish.safeParse({ url: 'https://example.com/', secret }).success;

test('the reference library verifies what is signed with any secret that is taken', () => {
  const ofBytes = fc
    .uint8Array({ minLength: 1, maxLength: 64 })
    .map((key) => `whsec_${Buffer.from(key).toString('base64')}`);
  const plain = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((secret) => !secret.startsWith('whsec_'));
  fc.assert(
    fc.property(fc.oneof(ofBytes, plain), fc.string({ unit: 'grapheme' }), (secret, body) => {
      expect(isTaken(secret)).toBe(true);
      const isBase64 = secret.startsWith('whsec_');
      const library = isBase64 ? new Webhook(secret) : new Webhook(Buffer.from(secret), { format: 'raw' });
      const headers = webhookHeaders(run, secret, body, Date.now());
      library.verify(body, headers, { jsonParse: false });
      expect(() => library.verify(`${body} `, headers, { jsonParse: false })).toThrow(
        'No matching signature',
      );
      if (!isBase64) return;
      const bare = secret.replace(/=+$/, '');
      expect(isTaken(bare)).toBe(true);
      expect(webhookHeaders(run, bare, body, 0)).toEqual(webhookHeaders(run, secret, body, 0));
    }),
  );
});

test.each(['', 'A', '=', 'AAAAA', 'AAAA=', 'AA=', 'AAA==', 'A-_A', 'AA AA', 'AAAA===='])(
  'a secret that is the base64 of no key is refused: whsec_%s',
  (text) => {
    expect(isTaken(`whsec_${text}`)).toBe(false);
  },
);
