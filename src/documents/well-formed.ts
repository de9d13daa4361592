import type { FieldError } from './errors.ts';

const HALF = 'has half of a surrogate pair, which is no character and cannot be kept';

/**
 * Texts and names in a JSON value that UTF-8 has no bytes for: halves of surrogate pairs that stand alone would silently
 * become U+FFFD. At most the first; null: there is none.
 */
export function brokenText(value: unknown): FieldError | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : { path: '', message: HALF };
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    if (!name.isWellFormed()) return { path: '', message: `a name in it ${HALF}` };
    const found = brokenText(member);
    if (found) return { ...found, path: found.path === '' ? name : `${name}.${found.path}` };
  }
  return null;
}
