import type { Runner } from '../contract/runner.ts';
import type { FieldError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Options } from '../documents/options.ts';

/** Throws invalid_invocation, naming the fields, where the work of the kind could not come to what it is to be given. */
export function checkGiven({ kind, given }: Runner, { assets, inputs }: Options): void {
  const errors: FieldError[] = [];
  if (assets !== undefined && given === undefined)
    errors.push({ path: 'options.assets', message: `${kind} has no way to assets: it takes none` });
  if (inputs !== undefined && (given === undefined || given.by === 'address'))
    errors.push({ path: 'options.inputs', message: `${kind} has no paths for files: it takes no inputs` });
  if (errors.length > 0) throw fieldRefusal('invalid_invocation', errors);
}
