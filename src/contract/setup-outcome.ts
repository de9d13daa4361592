import { type SetupStep, shownCommand } from '../documents/setup.ts';
import type { RunnerOutcome } from './outcome.ts';

/** A setup of which the last command that was begun failed; `planned`: how many there were to be. */
export function setupFailed(steps: SetupStep[], planned: number): RunnerOutcome {
  const last = steps.at(-1);
  return {
    ended: 'setup_failed',
    started: true,
    retrySafe: false,
    exitCode: null,
    errorSummary: last
      ? `setup: command ${steps.length} of ${planned} (${shownCommand(last.command)}) ${howItEnded(last)}`
      : 'setup: it could not be carried out',
    setup: steps,
  };
}

function howItEnded({ exit_code: code, signal, error }: SetupStep): string {
  if (error !== undefined) return `could not be started: ${error}`;
  if (signal !== null) return `was killed by ${signal}`;
  return code === null ? 'could not be ended' : `exited with code ${code}`;
}
