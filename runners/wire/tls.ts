import { X509Certificate } from 'node:crypto';
import { Rejected } from '../../src/contract/outcome.ts';

/** Throws Rejected for a `ca` that is not certificates in PEM: TLS would take it for an empty list. */
export function checkAuthorities(ca: string | undefined): void {
  if (ca === undefined) return;
  const blocks = ca.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  if (blocks.length === 0) throw new Rejected('http.tls.ca has no certificate in PEM');
  for (const block of blocks)
    try {
      new X509Certificate(block);
    } catch {
      throw new Rejected('http.tls.ca has a certificate that cannot be read');
    }
}
