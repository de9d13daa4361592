import type { Runwire, TerminalSize } from '../../client/runwire.ts';
import type { Pairs } from '../words/pairs.ts';
import { said } from '../words/said.ts';

export type Invocation = Parameters<Runwire['submit']>[0];

/** What the flags of `run` say. */
export interface RunFlags {
  id?: string;
  kind?: string;
  image?: string;
  spec?: string;
  workspace?: string;
  session?: string;
  directory?: string;
  env?: Pairs;
  label?: Pairs;
  name?: string;
  timeout?: number;
  grace?: number;
  artifact?: string[];
  options?: object;
}

/** What says the kind. */
type KindFlags = Pick<RunFlags, 'kind' | 'image' | 'spec' | 'session'>;

/** The invocation that a command line means. What is not said is left to the server, a session or an environment spec. */
export function invocationOf(argv: readonly string[], flags: RunFlags, stdinOpen: boolean): Invocation {
  const given = flags.options as Invocation['options'] & object;
  const docker = flags.image === undefined ? given?.docker : { ...given?.docker, image: flags.image };
  const options = said({
    ...given,
    ...said({
      environment_spec: flags.spec,
      workspace: flags.workspace,
      session: flags.session,
      kill_grace_seconds: flags.grace,
      artifacts: flags.artifact,
      docker,
    }),
    ...(stdinOpen && { stdin_open: true }),
  });
  return said({
    invocation_id: flags.id,
    runtime_kind: kindOf(flags),
    runtime_name: flags.name,
    command: argv.length === 0 ? undefined : [...argv],
    working_directory: flags.directory,
    environment: flags.env,
    metadata: flags.label,
    timeout_seconds: flags.timeout,
    options: Object.keys(options).length === 0 ? undefined : options,
  });
}

/** The same with a terminal, of the kind that ours is. */
export function withTerminal(invocation: Invocation, terminal: TerminalSize): Invocation {
  const { TERM } = process.env;
  return {
    ...invocation,
    ...(TERM && { environment: { TERM, ...invocation.environment } }),
    options: { ...invocation.options, terminal },
  };
}

export function kindOf({ kind, image, spec, session }: KindFlags): string | undefined {
  if (kind !== undefined) return kind;
  if (image !== undefined) return 'docker';
  return spec === undefined && session === undefined ? 'subprocess' : undefined;
}
