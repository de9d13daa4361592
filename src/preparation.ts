import { mkdirSync } from 'node:fs';
import type { LiveRun } from './live-run.ts';
import { CannotBegin, Rejected } from './runner.ts';
import { failureText } from './shortage.ts';
import {
  prepareWorkingPaths,
  type RealRoots,
  resolveWorkingPaths,
  type WorkingPaths,
} from './working-paths.ts';

export interface Prepared {
  paths: WorkingPaths;
  roots: RealRoots;
}

/** Pending becomes running, unless it turns out that it cannot be run: then it has a refusal. */
export function beginRun(run: LiveRun, startedAt: number): void {
  run.queueMs = run.recovering ? startedAt - run.createdAt : performance.now() - run.acceptedAt;
  if (!run.refusal || run.recovering)
    try {
      run.prepared = prepare(run);
    } catch (error) {
      run.refusal =
        error instanceof Rejected || error instanceof CannotBegin
          ? error
          : new CannotBegin(`the run directory cannot be made: ${failureText(error)}`, { cause: error });
    }
  if (run.refusal && !run.recovering) return;
  run.startedAt = startedAt;
  run.status = 'running';
  run.log.status('running', startedAt);
}

/**
 * Directories and checks before a run starts. Throws Rejected when it cannot be run as it was asked for, and
 * CannotBegin or the error of the file system when something has run out;
 * a run that is carried on has started, whatever became of its directories.
 */
export function prepare(run: LiveRun): Prepared {
  const paths = resolveWorkingPaths(run.invocation, run.directory);
  const globs = run.invocation.options.artifacts !== undefined;
  if (run.recovering) return { paths, roots: rootsThatAre(paths, globs) };
  if (!run.runner.makesDirectory) mkdirSync(run.directory.root, { recursive: true, mode: 0o700 });
  return { paths, roots: prepareWorkingPaths(paths, { globs }) };
}

function rootsThatAre(paths: WorkingPaths, globs: boolean): RealRoots {
  try {
    return prepareWorkingPaths(paths, { globs });
  } catch {
    return { working: null, artifact: null };
  }
}
