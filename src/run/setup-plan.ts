import type { SetupPlan } from '../contract/context.ts';
import type { Options } from '../documents/options.ts';
import { argvOf, SETUP_TIMEOUT_SECONDS } from '../documents/setup.ts';

/** What the options say is to be done before the command; null: nothing. `resumed`: in a session that was reset. */
export function setupPlan(options: Options, { resumed = false } = {}): SetupPlan | null {
  if (options.disable_setup) return null;
  const { setup = {}, setup_command: last, is_evaluation: isEvaluation } = options;
  const commands = [
    ...(setup.commands ?? []),
    ...(isEvaluation ? (setup.evaluation_commands ?? []) : []),
    ...(last === undefined ? [] : [last]),
    ...(resumed ? (setup.resume_commands ?? []) : []),
  ].map(argvOf);
  return commands.length === 0 ? null : { ...emptyPlan(options), commands };
}

/** The same for what prepares a session, where a setup without commands is one too. */
export function sessionSetupPlan(options: Options, resumed: boolean): SetupPlan {
  return setupPlan(options, { resumed }) ?? emptyPlan(options);
}

function emptyPlan({ setup }: Options): SetupPlan {
  const seconds = setup?.timeout_seconds ?? SETUP_TIMEOUT_SECONDS;
  return { commands: [], timeoutMs: seconds * 1000, user: setup?.user ?? null };
}
