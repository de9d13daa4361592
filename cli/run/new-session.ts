import type { NewSessionInput } from '../../client/runwire.ts';
import type { Pairs } from '../words/pairs.ts';
import { said } from '../words/said.ts';
import { kindOf } from './invocation.ts';

/** What the flags of `session create` say. */
export interface SessionFlags {
  kind?: string;
  image?: string;
  spec?: string;
  workspace?: string;
  keepWorkspace?: true;
  setup?: string[];
  env?: Pairs;
  label?: Pairs;
  ttl?: number;
  idle?: number;
  options?: object;
}

/** The session that a command line means. What is not said is left to the server, or to an environment spec. */
export function newSessionOf(
  id: string,
  from: NewSessionInput['from'],
  flags: SessionFlags,
): NewSessionInput {
  const given = flags.options as NewSessionInput['options'] & object;
  const options = said({
    ...given,
    ...said({
      docker: flags.image === undefined ? given?.docker : { ...given?.docker, image: flags.image },
      setup: flags.setup === undefined ? given?.setup : { ...given?.setup, commands: flags.setup },
    }),
  });
  return said({
    session_id: id,
    runtime_kind: kindOf(flags),
    environment_spec: flags.spec,
    workspace: flags.workspace,
    keep_workspace: flags.keepWorkspace,
    from,
    environment: flags.env,
    metadata: flags.label,
    ttl_seconds: flags.ttl,
    idle_seconds: flags.idle,
    options: Object.keys(options).length === 0 ? undefined : options,
  });
}
