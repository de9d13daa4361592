const MARK = '"timings":{';

/**
 * Server-Timing (W3C) of a finished run, from its record's JSON: `queue;dur=0.1, run;dur=12`.
 * In a record the outcome comes after everything a client can name keys of, and quotes inside
 * strings are escaped, so the last mark is the server's own. Null when there are none.
 */
export function serverTiming(recordJson: string): string | null {
  const at = recordJson.lastIndexOf(MARK);
  if (at === -1) return null;
  const from = at + MARK.length;
  const members = recordJson.slice(from, recordJson.indexOf('}', from));
  if (members === '') return null;
  const parts: string[] = [];
  for (const member of members.split(',')) {
    const match = /^"([a-z_]+)_ms":(-?[\d.e+-]+)$/.exec(member);
    if (match !== null) parts.push(`${match[1]};dur=${match[2]}`);
  }
  return parts.length === 0 ? null : parts.join(', ');
}
