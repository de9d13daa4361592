import { RunwireError } from '../documents/errors.ts';

export function encodeCursor(n: number): string {
  return Buffer.from(String(n)).toString('base64url');
}

/** The number before which a page begins; absent: the first page. Throws RunwireError bad_request for what is none of ours. */
export function decodeCursor(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const n = Number(Buffer.from(cursor, 'base64url').toString());
  if (!Number.isSafeInteger(n) || n < 1 || encodeCursor(n) !== cursor) {
    const message = 'is not a cursor that this server gave';
    throw new RunwireError('bad_request', `cursor ${message}`, { errors: [{ path: 'cursor', message }] });
  }
  return n;
}
