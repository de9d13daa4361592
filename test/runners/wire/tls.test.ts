import { expect, test } from 'vitest';
import { startBackend, status } from '../../fixtures/backend.ts';
import { makeCertificates } from '../../fixtures/certificates.ts';
import { call, summary } from '../http/scene.ts';

test('TLS is verified, against an authority of the run when it gives one', async () => {
  const certificates = makeCertificates();
  await using secure = await startBackend(certificates);
  secure.on('/', status(200));
  const refused = await call({ url: secure.url });
  expect(refused).toMatchObject({ status: 'failed', outcome: { ended: 'never_started', retry_safe: true } });
  expect(summary(refused)).toContain('TLS');
  expect(secure.seen).toEqual([]);
  expect((await call({ url: secure.url, tls: { ca: certificates.ca } })).status).toBe('succeeded');
  expect((await call({ url: secure.url, tls: { verify: false } })).status).toBe('succeeded');
  expect((await call({ url: secure.url, tls: { ca: makeCertificates().ca } })).status).toBe('failed');
  await expect.poll(() => secure.connections()).toBe(0);
});

test('a port that does not speak TLS is told in words', async () => {
  await using plain = await startBackend();
  const record = await call({ url: plain.url.replace('http:', 'https:') });
  expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'never_started', retry_safe: true } });
  expect(summary(record)).toMatch(/: TLS: the other side does not speak it, [ \w()]+$/);
});
