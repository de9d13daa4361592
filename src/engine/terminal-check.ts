import type { Runner } from '../contract/runner.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Options } from '../documents/options.ts';

/** Throws invalid_invocation where a terminal is asked for that the kind has not. */
export function checkTerminal(runner: Runner, options: Options): void {
  if (options.terminal === undefined) return;
  const none = `${runner.kind} starts no program that could have one: it takes no terminal`;
  const message = runner.noTerminal ? runner.noTerminal(options) : none;
  if (message === null) return;
  throw fieldRefusal('invalid_invocation', [{ path: 'options.terminal', message }]);
}
