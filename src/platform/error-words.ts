/** The words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whatever was thrown, as an error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}

/** What the system, Node or a library calls this error (ENOENT, ERR_TLS_CERT_ALTNAME_INVALID); undefined where it has no name. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What came of a connection in words, where TLS failed before there was a certificate: OpenSSL has lines of numbers and files for it. Null: it is another error. */
export function noTlsWords(error: unknown): string | null {
  const code = codeOf(error) ?? '';
  return code === 'EPROTO' || code.startsWith('ERR_SSL_')
    ? `TLS: the other side does not speak it, or not as it is spoken here (${code})`
    : null;
}

/** The words of whatever was thrown, on one line. */
export function lineOf(error: unknown): string {
  return messageOf(error).replace(/\s+/g, ' ').trim();
}
