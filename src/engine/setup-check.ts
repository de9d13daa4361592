import type { Runner } from '../contract/runner.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Options } from '../documents/options.ts';

/** Throws invalid_invocation where a setup is asked for that the kind would leave out. Whether there is to be none, or an evaluation, says nothing that it could not do. */
export function checkSetup(runner: Runner, { setup, setup_command, disable_setup }: Options): void {
  if (runner.setsUp || disable_setup) return;
  const fields = Object.entries({ setup, setup_command }).filter(([, value]) => value !== undefined);
  if (fields.length === 0) return;
  const message = `${runner.kind} runs nothing before the work: it takes no setup`;
  throw fieldRefusal(
    'invalid_invocation',
    fields.map(([name]) => ({ path: `options.${name}`, message })),
  );
}
