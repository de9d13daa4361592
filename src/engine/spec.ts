import { type Rejected, Rejected as RejectedError } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import { fieldErrors, fieldRefusal } from '../documents/field-errors.ts';
import type { Invocation } from '../documents/invocation.ts';

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

function parseOptions(runner: Runner, invocation: Invocation): unknown {
  const kind = runner.kind as 'http' | 'http_async' | 'manual' | 'docker'; // other kinds have no key: undefined is right
  const parsed = runner.spec.safeParse(invocation.options[kind] ?? {});
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, ['options', kind]);
  // An exact RxP invocation, which has no options, is accepted also where it cannot be run.
  if (invocation.options[kind] === undefined)
    throw new RejectedError(errors.map(({ path, message }) => `${path}: ${message}`).join('; '));
  throw fieldRefusal('invalid_invocation', errors);
}
