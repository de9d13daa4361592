import type { Runner } from '../contract/runner.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Options } from '../documents/options.ts';

/** Throws invalid_invocation where a terminal is asked for that the kind has not. */
export function checkTerminal({ kind, terminals }: Runner, { terminal }: Options): void {
  if (terminal === undefined || terminals) return;
  const message = `${kind} starts no program here that could have one: it takes no terminal`;
  throw fieldRefusal('invalid_invocation', [{ path: 'options.terminal', message }]);
}
