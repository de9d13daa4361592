import { type Rejected, Rejected as RejectedError } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import type { RunwireError } from '../documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../documents/field-errors.ts';
import type { Invocation } from '../documents/invocation.ts';
import { optionKeyOf } from '../documents/kind.ts';
import { optionsOf } from '../documents/options.ts';

/**
 * Let the runner read its spec. Returns the words of a refusal where the invocation can be stored but
 * not run. Throws RunwireError invalid_invocation, naming the fields, where it is malformed.
 */
export function parseSpec(
  runner: Runner,
  invocation: Invocation,
): { spec: unknown; refusal: Rejected | null } {
  try {
    return {
      spec: runner.parse ? runner.parse(invocation) : parseOptions(runner, invocation),
      refusal: null,
    };
  } catch (error) {
    if (error instanceof RejectedError) return { spec: null, refusal: error };
    throw error;
  }
}

/** The refusal of what can only end as `rejected`, for who is to be told at once. */
export function refusedAtOnce({ message, errors }: Rejected): RunwireError {
  return fieldRefusal('invalid_invocation', [...(errors ?? [{ path: '', message }])]);
}

/** Throws invalid_invocation, naming the fields, for options of another kind than the run's that are not what they should be. */
export function checkOtherOptions(others: readonly Runner[], { options }: Invocation): void {
  for (const runner of others) {
    const key = optionKeyOf(runner);
    const given = key === null ? undefined : optionsOf(options, key);
    const { error } = given === undefined ? {} : runner.spec.safeParse(given);
    if (error) throw fieldRefusal('invalid_invocation', fieldErrors(error, ['options', key ?? runner.kind]));
  }
}

function parseOptions(runner: Runner, invocation: Invocation): unknown {
  const key = optionKeyOf(runner);
  const given = key === null ? undefined : optionsOf(invocation.options, key);
  const parsed = runner.spec.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, ['options', key ?? runner.kind]);
  // An exact RxP invocation, which has no options, is accepted also where it cannot be run.
  if (given === undefined)
    throw new RejectedError(errors.map(({ path, message }) => `${path}: ${message}`).join('; '), errors);
  throw fieldRefusal('invalid_invocation', errors);
}
