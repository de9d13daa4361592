import type { Runner } from '../contract/runner.ts';
import type { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Invocation } from '../documents/invocation.ts';
import type { parseSpec } from './spec.ts';

/** Files come, and another directory is named. */
export function noOwnDirectory(): RunwireError {
  return fieldRefusal('invalid_invocation', [
    {
      path: 'working_directory',
      message:
        'cannot be given with files, which are put into a directory of the run’s own: leave it out, and have the command copy what is to be elsewhere',
    },
  ]);
}

/** Is there a file that it can read. */
export function mayRead(
  runner: Runner,
  { input_payload_path: payload }: Invocation,
  { spec, refusal }: ReturnType<typeof parseSpec>,
): boolean {
  if (runner.takesFiles !== 'named' || payload !== null || refusal !== null) return true;
  return runner.usesDirectory?.(spec) ?? true;
}

export function noUse({ kind }: Runner): RunwireError {
  return fieldRefusal('invalid_invocation', [
    {
      path: 'runtime_kind',
      message: `${kind} reads no file that comes with it but one that it names, as with input_payload_path: this one names none`,
    },
  ]);
}
