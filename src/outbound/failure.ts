import { codeOf, noTlsWords } from '../platform/error-words.ts';
import { shortageOf } from '../platform/shortage.ts';
import { AddressDenied } from './address-guard.ts';
import type { AnswerHead } from './answer-head.ts';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed while the request was sent',
  HPE_HEADER_OVERFLOW: 'the response headers are too large',
  HPE_UNEXPECTED_CONTENT_LENGTH:
    'the answer says its length twice: Content-Length is repeated, or beside chunks',
  HPE_INVALID_CONTENT_LENGTH: 'the Content-Length of the answer is no number',
  ETIMEDOUT: 'no connection in time',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'host name could not be resolved',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: a certificate of the chain is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS: the certificate is of an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS: the certificate is of an unknown authority',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another host',
};

/** Why an exchange failed: Node's code in words. An error's own message may repeat parts of the request. */
export function failureWords(error: Error): string {
  if (error instanceof AddressDenied) return error.message;
  const code = codeOf(error) ?? '';
  if (WORDS[code] !== undefined) return `${WORDS[code]} (${code})`;
  if (code.startsWith('HPE_')) return `the answer is not HTTP (${code})`;
  const noTls = noTlsWords(error);
  if (noTls !== null) return noTls;
  const shortage = shortageOf(error);
  if (shortage !== null) return shortage.words;
  return code === '' ? error.message : `request failed (${code})`;
}

export function statusWords({ status, statusText }: AnswerHead): string {
  return `HTTP ${status}${statusText === '' ? '' : ` ${statusText}`}`;
}
