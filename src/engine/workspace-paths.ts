import { isAbsolute, resolve } from 'node:path';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { InvocationInput } from '../documents/invocation.ts';
import { isInside } from '../platform/inside.ts';

const IN_DIRECTORY = ['artifact_directory', 'input_payload_path', 'output_result_path'] as const;

/**
 * The paths of a run in a workspace, as they are written: `working_directory` is relative to the workspace (`tree`), the
 * others to it, and none leaves the workspace. Where links lead is looked at when its turn has come. Throws
 * invalid_invocation, naming the fields.
 */
export function checkWorkspacePaths(input: InvocationInput, tree: string): void {
  const errors: { path: string; message: string }[] = [];
  const working = input.working_directory ?? '.';
  const check = (field: string, path: string, from: string): void => {
    if (isAbsolute(path))
      errors.push({ path: field, message: 'must be relative: the run is in a workspace' });
    else if (!isInside(tree, resolve(from, path)))
      errors.push({ path: field, message: 'leads out of the workspace' });
  };
  check('working_directory', working, tree);
  const directory = resolve(tree, isAbsolute(working) ? '.' : working);
  for (const field of IN_DIRECTORY) {
    const path = input[field];
    if (path) check(field, path, directory);
  }
  for (const [index, { file }] of (input.options?.inputs ?? []).entries())
    if (file !== undefined) check(`options.inputs.${index}.file`, file, directory);
  if (errors.length > 0) throw fieldRefusal('invalid_invocation', errors);
}
