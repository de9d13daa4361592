import { type FieldError, RunwireError } from '../../src/documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import { ResourceId } from '../../src/documents/resource-id.ts';
import { SpecReference } from '../../src/documents/spec-reference.ts';

/** Why nothing can be put under a name of the path; null: it can. */
export function nameRefusal(name: string): RunwireError | null {
  const { error } = ResourceId.safeParse(name);
  if (error === undefined) return null;
  const [of, version] = name.split('@');
  const isVersion = version !== undefined && SpecReference.safeParse(name).success;
  const message = `is one version of ${of}, and those never change: a PUT to ${of} makes the next one`;
  const faults: FieldError[] = isVersion ? [{ path: 'name', message }] : fieldErrors(error, ['name']);
  return fieldRefusal('invalid_field', faults);
}

/** The refusal to delete `name@version` where versions go with their name alone. */
export function versionStays(reference: string): RunwireError {
  const [of] = reference.split('@');
  return new RunwireError(
    'method_not_allowed',
    `One version is not deleted alone: DELETE of ${of} deletes all of them, and a PUT to ${of} makes a newer one.`,
  );
}
