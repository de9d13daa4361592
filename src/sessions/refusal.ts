import { RunwireError } from '../documents/errors.ts';
import { withOrigins } from '../documents/fault-origins.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { SessionInput } from '../documents/session.ts';
import type { ResolvedSpec } from '../specs/spec-book.ts';

/** Why a session could not be made, for who asked for it: he sent no invocation, and not what its environment spec says. */
export function toldToMaker(error: unknown, input: SessionInput, spec: ResolvedSpec | null): unknown {
  const told = withOrigins(error, input, spec === null ? [] : [spec]);
  if (!(told instanceof RunwireError) || told.code !== 'invalid_invocation' || told.errors === undefined)
    return told;
  return fieldRefusal('invalid_field', told.errors);
}
