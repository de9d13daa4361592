import type { Runner } from '../contract/runner.ts';
import type { FieldError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { InvocationInput, WholeInvocationInput } from '../documents/invocation.ts';
import { type DefaultsLayer, withDefaults } from '../documents/invocation-defaults.ts';
import { optionKeyOf } from '../documents/kind.ts';
import { type Options, optionsOf } from '../documents/options.ts';
import { workspaceOf } from '../documents/workspace-use.ts';
import type { SessionRow } from './session-facts.ts';

type Entered = Pick<SessionRow, 'id' | 'workspace' | 'kept'>;

/**
 * A run of a session with what the session gives it. `kindOf`: the kind that a word stands for. Throws invalid_invocation, naming what
 * is the session's to say.
 */
export function inSession(
  sent: InvocationInput,
  session: Entered,
  runner: Runner,
  kindOf: (word: string) => string,
): { whole: WholeInvocationInput; layers: DefaultsLayer[] } {
  const errors = refusals(sent, session, runner);
  if (errors.length > 0) throw fieldRefusal('invalid_invocation', errors);
  const { defaults, kind, isEvaluation } = session.kept;
  const { setup: _, setup_command: __, ...options } = defaults.options ?? {};
  const given = { ...options, ...(isEvaluation && { is_evaluation: true }) };
  const { options: own = {} } = sent;
  const { workspace } = own;
  const setup = setupOf(own, session);
  const here = {
    ...own,
    ...(setup && { setup }),
    workspace: typeof workspace === 'object' ? { ...workspace, id: session.workspace } : session.workspace,
  };
  const layer = {
    from: `the session ${session.id}`,
    defaults: { ...defaults, runtime_kind: kind, options: given },
  };
  return { whole: withDefaults({ ...sent, options: here }, [layer], kindOf), layers: [layer] };
}

/** Its own, and of the session's what an evaluation has more, where the session was not prepared for one. */
function setupOf({ setup, is_evaluation }: Options, { kept }: Entered): Options['setup'] {
  if (!is_evaluation || kept.isEvaluation || kept.disableSetup) return setup;
  const { evaluation_commands, timeout_seconds, user } = kept.defaults.options?.setup ?? {};
  if (evaluation_commands === undefined) return setup;
  return {
    evaluation_commands,
    ...(timeout_seconds !== undefined && { timeout_seconds }),
    ...(user !== undefined && { user }),
    ...setup,
  };
}

function refusals(
  { options = {} }: InvocationInput,
  { id, workspace, kept: { spec, defaults } }: Entered,
  runner: Runner,
): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (path: string, message: string): void => void errors.push({ path, message });
  const named = workspaceOf(options.workspace)?.id ?? workspace;
  if (named !== workspace) refuse('options.workspace', `is ${workspace} in the session ${id}`);
  const { environment_spec: reference } = options;
  const ofSession = spec === null ? [] : [spec.name, `${spec.name}@${spec.version}`];
  if (reference !== undefined && !ofSession.includes(reference))
    refuse('options.environment_spec', `is the session's: ${id} has ${ofSession[1] ?? 'none'}`);
  const { owns } = runner.sessions ?? {};
  if (owns === undefined) return errors;
  const message = `is the session's: say it when that is made`;
  const key = optionKeyOf(runner) ?? '';
  for (const name of Object.keys(optionsOf(options, key) ?? {}))
    if (!owns.optionsOfRun.includes(name)) refuse(`options.${key}.${name}`, message);
  const { assets: ofIt = {} } = defaults.options ?? {};
  for (const key of Object.keys(options.assets ?? {}))
    if (Object.hasOwn(ofIt, key)) refuse(`options.assets.${key}`, message);
  for (const name of Object.keys(options.limits ?? {}))
    if (owns.limits.includes(name)) refuse(`options.limits.${name}`, message);
  return errors;
}
