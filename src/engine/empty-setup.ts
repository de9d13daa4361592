import { z } from 'zod';
import type { RunnerOutcome } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';

const DONE: RunnerOutcome = {
  ended: 'completed',
  started: true,
  retrySafe: false,
  exitCode: null,
  success: true,
  setup: [],
};

/** Prepares sessions of a kind that sets nothing up: there is nothing to be done but what the engine does around a run. */
export function settingNothingUp({ kind, name, rxpKind, places, given }: Runner): Runner {
  return {
    ...{ kind, name, description: 'Sets nothing up', optionKey: null, spec: z.unknown() },
    ...(rxpKind && { rxpKind }),
    ...(places && { places }),
    ...(given && { given }),
    needsCommand: false,
    captures: false,
    parse: () => null,
    run: async () => DONE,
    recover: async () => DONE,
  };
}
