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

/** The same with an archive beside the document, in a form. */
export function formAsCurl(
  address: string,
  hasToken: boolean,
  part: string,
  document: object,
  archive: string,
): string {
  // In quotes, so that curl does not end it at a semicolon.
  const text = JSON.stringify(document).replaceAll(/["\\]/g, '\\$&');
  return [
    asCurl('GET', address, hasToken),
    '-F',
    quoted(`${part}="${text}";type=application/json`),
    '-F',
    quoted(`archive=@${archive}`),
  ].join(' ');
}

/** A word of a POSIX shell. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
