type Token = 'any' | 'star' | ((char: string) => boolean);

/** One name of a glob: a fixed one, a pattern, or `**` (any number of directories). */
export type Segment =
  | { type: 'globstar' }
  | { type: 'literal'; name: string }
  | { type: 'pattern'; tokens: Token[]; dot: boolean };

export function parseSegment(source: string): Segment {
  if (source === '**') return { type: 'globstar' };
  const chars = Array.from(source);
  const tokens: Token[] = [];
  let literal: string | null = '';
  for (let i = 0; i < chars.length; i++) {
    let char = chars[i] as string;
    const set = char === '[' ? parseSet(chars, i) : null;
    if (set || char === '*' || char === '?') {
      literal = null;
      if (set) i = set.end;
      if (char !== '*') tokens.push(set?.has ?? 'any');
      else if (tokens.at(-1) !== 'star') tokens.push('star');
      continue;
    }
    if (char === '\\' && i + 1 < chars.length) char = chars[++i] as string;
    const only = char;
    tokens.push((other) => other === only);
    if (literal !== null) literal += char;
  }
  if (literal !== null) return { type: 'literal', name: literal };
  return { type: 'pattern', tokens, dot: /^\\?\./.test(source) };
}

/** `[abc]`, `[a-z]`, `[!a]`, `[^a]`; a `]` that comes first is a member. Null when it is not closed. */
function parseSet(chars: string[], from: number): { has: (char: string) => boolean; end: number } | null {
  let i = from + 1;
  const negated = chars[i] === '!' || chars[i] === '^';
  if (negated) i++;
  const ranges: [string, string][] = [];
  for (const first = i; i < chars.length; i++) {
    if (chars[i] === ']' && i > first) {
      const within = (char: string) => ranges.some(([low, high]) => order(low, char) && order(char, high));
      return { has: (char) => within(char) !== negated, end: i };
    }
    if (chars[i] === '\\' && i + 1 < chars.length) i++;
    const low = chars[i] as string;
    const isRange = chars[i + 1] === '-' && i + 2 < chars.length && chars[i + 2] !== ']';
    if (isRange) i += 2;
    ranges.push([low, chars[i] as string]);
  }
  return null;
}

function order(low: string, high: string): boolean {
  return (low.codePointAt(0) ?? 0) <= (high.codePointAt(0) ?? 0);
}

/**
 * Does one file name, also given in characters, match. Only the last star is ever retried, so `steps` in `cost` grows by
 * at most (length of the name × length of the segment).
 */
export function matchesSegment(
  segment: Segment,
  name: string,
  chars: readonly string[],
  cost: { steps: number },
): boolean {
  const hidden = name.startsWith('.');
  if (segment.type === 'globstar') return !hidden;
  if (segment.type === 'literal') return segment.name === name;
  if (hidden && !segment.dot) return false;
  const { tokens } = segment;
  let token = 0;
  let retryToken = -1;
  let retryChar = 0;
  for (let char = 0; char < chars.length; cost.steps++) {
    const wanted = tokens[token];
    if (wanted === 'star') {
      retryToken = ++token;
      retryChar = char;
    } else if (wanted !== undefined && (wanted === 'any' || wanted(chars[char] as string))) {
      token++;
      char++;
    } else if (retryToken >= 0) {
      token = retryToken;
      char = ++retryChar;
    } else {
      return false;
    }
  }
  while (tokens[token] === 'star') token++;
  return token === tokens.length;
}
