import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { setupFailed } from '../../src/contract/setup-outcome.ts';
import type { ExitFacts, SetupFacts, SetupRequest } from '../../src/supervisor/protocol/messages.ts';
import { couldNotStart } from './outcome.ts';

/** What the supervisor is to run before the command. Undefined: nothing. */
export function setupRequest({ setup, session, killGraceMs }: RunContext<null>): SetupRequest | undefined {
  if (setup === null) return undefined;
  return {
    commands: setup.commands.map((command) => [...command]),
    time_limit: { ms: setup.timeoutMs, grace_ms: killGraceMs },
    ...(session?.isSetup && { session: true }),
  };
}

/** A run whose setup has begun and whose command never ran: since there is none, since it could not be started, or since the setup failed. */
export function endedWithoutCommand(
  { timings, usage, kill, failure, stdout, stderr, capture_error: loss }: ExitFacts,
  setup: SetupFacts,
  { planned, program }: { planned: number; program: string },
): RunnerOutcome {
  const common = {
    setup: setup.steps,
    captures: { stdout, stderr, setup: { stdout: setup.stdout, stderr: setup.stderr } },
    ...{ timings, usage, kill },
    ...(loss !== null && { notes: [`output could not be kept: ${loss}`] }),
  };
  if (failure)
    return { ...couldNotStart(program, failure, null), ...common, started: true, retrySafe: false };
  if (!setup.done) return { ...setupFailed(setup.steps, planned), ...common };
  return {
    ...{ ended: 'completed', started: true, retrySafe: false, exitCode: null, success: loss === null },
    ...(loss !== null && { failure: 'output_lost' as const }),
    ...common,
  };
}
