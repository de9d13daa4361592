import { InvalidError } from './errors.ts';

/**
 * A name as one segment of a path. Throws InvalidError `invalid_name` for what names nothing, `.` and `..` among it: an
 * address folds them away, encoded or not, and would be that of something else.
 */
export function segment(name: string): string {
  if (name === '' || name === '.' || name === '..')
    throw new InvalidError(`${JSON.stringify(name)} names nothing`, { code: 'invalid_name' });
  return encodeURIComponent(name);
}
