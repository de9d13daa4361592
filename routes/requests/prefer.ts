/** A word or a quoted string; the latter as it stands between its quotes. */
const WORD = /^(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]+))$/s;
/** Commas and semicolons within quotes part nothing. */
const parts = (text: string, separator: ',' | ';'): string[] =>
  text.match(separator === ',' ? /(?:"(?:[^"\\]|\\.)*"|[^",])+/gs : /(?:"(?:[^"\\]|\\.)*"|[^";])+/gs) ?? [];

/**
 * The value of a preference in a Prefer header (RFC 7240): names have no case, parameters say nothing of it, and of
 * several the first counts. Empty where it has none, undefined where it is not there.
 */
export function preference(header: string | undefined, name: string): string | undefined {
  for (const one of parts(header ?? '', ',')) {
    const [first = ''] = parts(one, ';');
    const equals = first.indexOf('=');
    const given = (equals === -1 ? first : first.slice(0, equals)).trim().toLowerCase();
    if (given !== name) continue;
    const word = WORD.exec(equals === -1 ? '' : first.slice(equals + 1).trim());
    return word?.[1]?.replace(/\\(.)/gs, '$1') ?? word?.[2] ?? '';
  }
  return undefined;
}
