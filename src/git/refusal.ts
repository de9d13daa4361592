import type { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';

/** Why there is no tree from git, in words for clients, and which field of the request it is about. */
export function gitRefusal(field: '' | 'url' | 'ref' | 'secret', message: string): RunwireError {
  return fieldRefusal('invalid_field', [{ path: field === '' ? 'from.git' : `from.git.${field}`, message }]);
}
