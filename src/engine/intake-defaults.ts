import { withOrigins } from '../documents/fault-origins.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { InvocationInput, WholeInvocationInput } from '../documents/invocation.ts';
import { withDefaults, withoutHiddenCommands } from '../documents/invocation-defaults.ts';
import type { SessionRuns } from '../run/session-runs.ts';
import type { ResolvedSpec, SpecBook } from '../specs/spec-book.ts';
import type { SpecOfRun } from '../store/specs.ts';

/** An invocation with what is said elsewhere. */
export interface MeantInvocation {
  /** What is stored, and run. */
  whole: WholeInvocationInput;
  spec: SpecOfRun | null;
  /** What an error is to a client, who did not send all of it. */
  told: (error: unknown) => unknown;
}

/** Where more is said. Null: this server has none. */
interface Elsewhere {
  specs: SpecBook | null;
  sessions: Pick<SessionRuns, 'enter'> | null;
  /** It is the session's own. */
  isOwn: boolean;
  kindOf: (word: string) => string;
}

/** What is meant by an invocation on this server. Throws RunwireError invalid_invocation, naming the fields, and what sessions throw. */
export function meantInvocation(
  input: InvocationInput,
  { specs, sessions, isOwn, kindOf }: Elsewhere,
): MeantInvocation {
  if (input.options?.session !== undefined) return inSession(input, sessions, isOwn);
  const spec = specOf(input, specs);
  const layers = spec === null ? [] : [spec];
  const whole = withoutHiddenCommands(withDefaults(input, layers, kindOf));
  if (spec === null) return { whole, spec, told: (error) => error };
  const { name, version, digest } = spec;
  const options = { ...whole.options, environment_spec: `${name}@${version}` };
  return {
    whole: { ...whole, options },
    spec: { name, version, digest },
    told: (error) => withOrigins(error, input, layers),
  };
}

/** The environment spec is the session's. */
function inSession(input: InvocationInput, sessions: Elsewhere['sessions'], isOwn: boolean): MeantInvocation {
  if (sessions === null)
    throw fieldRefusal('invalid_invocation', [
      { path: 'options.session', message: 'this server has no sessions' },
    ]);
  const { whole: entered, spec, layers } = sessions.enter(input, isOwn);
  const whole = isOwn ? entered : withoutHiddenCommands(entered);
  const environment_spec = spec === null ? undefined : `${spec.name}@${spec.version}`;
  return {
    whole: { ...whole, options: { ...whole.options, ...(environment_spec && { environment_spec }) } },
    spec,
    told: (error) => withOrigins(error, input, layers),
  };
}

function specOf({ options }: InvocationInput, specs: SpecBook | null): ResolvedSpec | null {
  const reference = options?.environment_spec;
  if (reference === undefined) return null;
  if (specs !== null) return specs.resolve(reference);
  throw fieldRefusal('invalid_invocation', [
    { path: 'options.environment_spec', message: 'this server has no environment specs' },
  ]);
}
