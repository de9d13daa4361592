import { constants } from 'node:os';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { FailureReason } from '../../src/documents/failure.ts';
import { shortageOf } from '../../src/platform/shortage.ts';
import type { LostFacts } from '../../src/supervisor/client/listener.ts';
import type { Captures, ExitFacts, SpawnFailure } from '../../src/supervisor/protocol/messages.ts';

/** A program that ran and ended, by itself or not. */
export function exited(facts: ExitFacts): RunnerOutcome {
  const { code, signal, usage, kill, timings, capture_error, setup } = facts;
  return {
    ended: signal === null ? 'exited' : 'signaled',
    started: true,
    retrySafe: false,
    exitCode: signal === null ? code : -signalNumber(signal),
    signal,
    success: code === 0 && capture_error === null,
    failure: code === 0 ? 'output_lost' : code === null && signal === null ? 'lost' : undefined,
    errorSummary:
      [summary(code, signal), capture_error && `output could not be kept: ${capture_error}`]
        .filter((words) => words !== null)
        .join('; ') || null,
    captures: {
      ...{ stdout: facts.stdout, stderr: facts.stderr },
      ...(setup && { setup: { stdout: setup.stdout, stderr: setup.stderr } }),
    },
    ...(setup && { setup: setup.steps }),
    usage,
    kill,
    timings,
  };
}

/** Real-time signals have no name but their number: SIG34. */
function signalNumber(name: string): number {
  return constants.signals[name as NodeJS.Signals] ?? Number(name.slice(3));
}

function summary(code: number | null, signal: string | null): string | null {
  if (signal !== null) return `killed by ${signal}`;
  if (code === null) return 'the program could not be ended';
  return code === 0 ? null : `exited with code ${code}`;
}

/** What the system says of a program: it will say so again. */
const SPAWN_FAILURES: Readonly<Record<string, FailureReason>> = {
  ENOENT: 'program_not_found',
  ENOTDIR: 'program_not_found',
  ELOOP: 'program_not_found',
  ENAMETOOLONG: 'program_not_found',
  EACCES: 'program_not_executable',
  EISDIR: 'program_not_executable',
  ENOEXEC: 'program_not_executable',
  EPERM: 'program_not_executable',
  E2BIG: 'arguments_too_long',
};

/** A program that cannot be: missing, not executable, too large. */
export function couldNotStart(
  program: string,
  { code, message, blameless = false }: SpawnFailure,
  captures: Captures | null,
): RunnerOutcome {
  const shortage = shortageOf({ code }) === null ? undefined : ('shortage' as const);
  return {
    ...neverBegan(''),
    failure: shortage ?? (blameless ? undefined : SPAWN_FAILURES[code]),
    errorSummary: `could not start ${JSON.stringify(program)}: ${message} (${code})`,
    ...(captures ? { captures } : {}),
  };
}

/** Provably nothing was started. */
export function neverBegan(why: string): RunnerOutcome {
  return {
    ended: 'never_started',
    started: false,
    retrySafe: true,
    exitCode: null,
    errorSummary: `could not start the program: ${why}`,
  };
}

/** Its supervisor died: the program may have done anything, and what was left of it was ended. */
export function lost(facts: LostFacts | null, rebooted: boolean): RunnerOutcome {
  return {
    ended: 'lost',
    started: true,
    retrySafe: false,
    exitCode: null,
    errorSummary: rebooted
      ? 'the machine restarted while the program ran'
      : facts
        ? 'the supervisor of the program died, and what was left of the program was ended'
        : 'the supervisor of the program died, and no other could look for the program',
    ...(facts && { captures: facts.captures, kill: facts.kill }),
    ...(facts?.captures.setup && { setup: facts.steps }),
  };
}
