/** A request as a line for a shell; the token is not in it. */
export function asCurl(method: string, address: string, hasToken: boolean, body?: object): string {
  return [
    'curl',
    '-sS',
    ...(method === 'GET' || (method === 'POST' && body) ? [] : ['-X', method]),
    quoted(address),
    ...(hasToken ? ['-H', '"Authorization: Bearer $RUNWIRE_TOKEN"'] : []),
    ...(body ? ['-H', quoted('Content-Type: application/json'), '-d', quoted(JSON.stringify(body))] : []),
  ].join(' ');
}

/** A word of a POSIX shell. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
