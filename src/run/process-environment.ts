import type { Invocation } from '../documents/invocation.ts';
import { DEFAULT_TERM } from '../documents/terminal.ts';
import { type TraceContext, withTrace } from '../documents/trace-context.ts';
import { isSecretVariable } from '../outbound/secrets.ts';
import { pathBeforeNpm } from './path-before-npm.ts';

export { isSecretVariable } from '../outbound/secrets.ts';

/** What of the server's own environment a program gets, besides LC_* and RUNWIRE_ENV_PASSTHROUGH. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'SHELL'];

/** The part that is the same for all runs. */
export function baseEnvironment(
  server: Readonly<Record<string, string | undefined>>,
  passthrough: readonly string[],
): Record<string, string> {
  const names = [
    ...INHERITED,
    ...Object.keys(server).filter((name) => name.startsWith('LC_')),
    ...passthrough,
  ];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = name === 'PATH' ? pathBeforeNpm(server) : server[name];
      return value === undefined || isSecretVariable(name) ? [] : [[name, value]];
    }),
  );
}

/** The complete environment of a process: base, the invocation's own, then what Runwire says of the run. */
export function processEnvironment(
  base: Readonly<Record<string, string>>,
  invocation: Invocation,
  artifactDirectory: string | null,
  trace: TraceContext,
): Record<string, string> {
  return {
    ...(invocation.options.terminal && { TERM: DEFAULT_TERM }),
    ...base,
    ...withTrace(invocation.environment, trace),
    RUNWIRE_INVOCATION_ID: invocation.invocation_id,
    ...(artifactDirectory === null ? {} : { RUNWIRE_ARTIFACT_DIR: artifactDirectory }),
  };
}
