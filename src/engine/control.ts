import type { RunControls } from '../contract/context.ts';
import { RunwireError } from '../documents/errors.ts';
import type { LiveRun } from '../run/live-run.ts';

/** Close the standard input of a run. One of which the work is over has it closed already. */
export async function closeInput(run: LiveRun): Promise<void> {
  if (run.workEndedAt === null) await controlOf(run, 'closeStdin')();
}

/** What the runner of a running run offers. Throws not_running and not_supported (409). */
export function controlOf<Name extends keyof RunControls>(
  run: LiveRun,
  name: Name,
): NonNullable<RunControls[Name]> {
  if (run.status !== 'running') throw new RunwireError('not_running', `${run.id} has not started`);
  if (run.controls === null) throw new RunwireError('not_running', `${run.id} is starting or ending`);
  const control = run.controls[name];
  if (!control) throw new RunwireError('not_supported', `${run.id} cannot do this`);
  return control;
}
