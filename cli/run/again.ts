import type { RunRecord } from '../../client/runwire.ts';
import { Failure } from '../process/failure.ts';
import type { Pairs } from '../words/pairs.ts';
import type { Invocation } from './invocation.ts';

type Options = NonNullable<Invocation['options']>;

/** What is otherwise than in the run before. */
export interface Otherwise {
  id?: string;
  name?: string;
  env?: Pairs;
  label?: Pairs;
  timeout?: number;
  /** null takes an option away. */
  options?: { [name: string]: unknown };
  /** Will standard input be fed: yes, no, or as it was. */
  stdin: boolean | 'as-it-was';
}

/** What records have instead of a secret. */
const REDACTED = '[redacted]';

/**
 * The invocation of a run for one more of the same: in a directory of its own where that had one. Throws Failure for what the server has not
 * kept of it, or does not tell, and which is not given anew.
 */
export function againOf({ invocation }: RunRecord, otherwise: Otherwise): Invocation {
  const { invocation_id: _, working_directory: directory, options: before, ...same } = invocation;
  const options = withOthers(before as Options, otherwise);
  return {
    ...same,
    ...(otherwise.id !== undefined && { invocation_id: otherwise.id }),
    ...(otherwise.name !== undefined && { runtime_name: otherwise.name }),
    ...(otherwise.timeout !== undefined && { timeout_seconds: otherwise.timeout }),
    working_directory: directoryAgain(invocation.invocation_id, directory, options),
    environment: { ...same.environment, ...otherwise.env },
    metadata: { ...same.metadata, ...otherwise.label },
    options,
  };
}

function withOthers(before: Options, { options: others = {}, stdin }: Otherwise): Options {
  const entries = Object.entries({ ...before, ...others }).filter(([, value]) => value !== null);
  const options = Object.fromEntries(entries) as Options;
  if (stdin === true) {
    delete options.stdin;
    options.stdin_open = true;
  } else if (stdin === false) {
    delete options.stdin_open;
  } else if (options.stdin_open) {
    throw new Failure(
      'options.stdin_open: what its standard input was fed with is not kept: give it again in a pipe or a file, or with -i, or say --no-stdin',
    );
  }
  if (options.on_finish?.secret === REDACTED) {
    throw new Failure(
      'options.on_finish.secret is not told by the server: give on_finish again in --options, or say --options \'{"on_finish":null}\'',
    );
  }
  return options;
}

/** Records have the whole path. That of a run's own directory is no path for another run, and in a workspace paths are relative. */
function directoryAgain(id: string, directory: string, { workspace, session }: Options): string | null {
  if (workspace !== undefined || session !== undefined) {
    const [, within] = /\/workspaces\/[^/]+\/tree(?:\/(.+))?$/.exec(directory) ?? [];
    return within ?? null;
  }
  const isOwn = directory.endsWith(`/runs/${id}/work`) || /\/runs\/_[0-9a-f]{64}\/work$/.test(directory);
  return isOwn ? null : directory;
}
