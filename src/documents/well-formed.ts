import type { FieldError } from './errors.ts';

const HALF = 'has half of a surrogate pair, which is no character and cannot be kept';

/**
 * Texts and names in a JSON value that UTF-8 has no bytes for: halves of surrogate pairs that stand alone would silently
 * become U+FFFD. At most the first; null: there is none.
 */
export function brokenText(value: unknown): FieldError | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : { path: '', message: HALF };
  if (typeof value !== 'object' || value === null) return null;
  // No pairs are made of half a million members, most of which are no text.
  const names = Array.isArray(value) ? null : Object.keys(value);
  const count = names?.length ?? (value as unknown[]).length;
  for (let at = 0; at < count; at++) {
    const key = names?.[at];
    if (key?.isWellFormed() === false) return { path: '', message: `a name in it ${HALF}` };
    const member = (value as Record<string | number, unknown>)[key ?? at];
    if (typeof member !== 'string' && typeof member !== 'object') continue;
    const found = brokenText(member);
    const name = key ?? String(at);
    if (found) return { ...found, path: found.path === '' ? name : `${name}.${found.path}` };
  }
  return null;
}
