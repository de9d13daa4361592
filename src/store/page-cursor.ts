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

/** Characters of the documents of a page. A record may have megabytes, and a page is one text. */
const MAX_PAGE = 16 * 1024 * 1024;

/** Up to `limit` of the rows that are found, one more of which was asked for; fewer where their documents are long. */
export function takePage<Row extends { n: number }>(
  found: Iterable<unknown>,
  limit: number,
  documents: (row: Row) => readonly (string | null)[],
): { rows: Row[]; nextCursor: string | null } {
  const rows: Row[] = [];
  let length = 0;
  for (const one of found) {
    const row = one as Row;
    for (const text of documents(row)) length += text?.length ?? 0;
    const last = rows.at(-1);
    if (last && (rows.length === limit || length > MAX_PAGE))
      return { rows, nextCursor: encodeCursor(last.n) };
    rows.push(row);
  }
  return { rows, nextCursor: null };
}
