import type { SetupStep } from '../documents/setup.ts';
import type { RunnerOutcome } from './outcome.ts';

const LONGEST = 80;

/** A setup of which the last command that was begun failed; `planned`: how many there were to be. */
export function setupFailed(steps: SetupStep[], planned: number): RunnerOutcome {
  const last = steps.at(-1);
  return {
    ended: 'setup_failed',
    started: true,
    retrySafe: false,
    exitCode: null,
    errorSummary: last
      ? `setup: command ${steps.length} of ${planned} (${shown(last.command)}) ${howItEnded(last)}`
      : 'setup: it could not be carried out',
    setup: steps,
  };
}

function howItEnded({ exit_code: code, signal, error }: SetupStep): string {
  if (error !== undefined) return `could not be started: ${error}`;
  if (signal !== null) return `was killed by ${signal}`;
  return code === null ? 'could not be ended' : `exited with code ${code}`;
}

/** One line, as one would type it. */
function shown(command: readonly string[]): string {
  const words = command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
    .join(' ');
  return words.length > LONGEST ? `${words.slice(0, LONGEST)}…` : words;
}
