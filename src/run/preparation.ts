import { mkdirSync } from 'node:fs';
import type { RealRoots } from '../artifacts/collection.ts';
import { CannotBegin, Rejected } from '../contract/outcome.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import { codeOf } from '../platform/error-words.ts';
import { storageText } from '../platform/shortage.ts';
import type { LiveRun } from './live-run.ts';
import { prepareWorkingPaths, resolveWorkingPaths, type WorkingPaths } from './working-paths.ts';

export interface Prepared {
  paths: WorkingPaths;
  roots: RealRoots;
}

/** Pending becomes running, unless it turns out that it cannot be run: then it has a refusal. */
export function beginRun(run: LiveRun, startedAt: number, places: PrivatePlaces): void {
  if (makeReady(run, places)) setRunning(run, startedAt);
}

/** The first half of beginRun. False: it cannot be run. */
export function makeReady(run: LiveRun, places: PrivatePlaces): boolean {
  run.queueMs = performance.now() - run.acceptedAt;
  if (!run.refusal)
    try {
      run.prepared = prepare(run, places);
    } catch (error) {
      run.refusal =
        error instanceof Rejected || error instanceof CannotBegin ? error : cannotBegin(run.directory, error);
    }
  return run.refusal === null;
}

/** An earlier server began it. Its directories are looked at when it is carried on. */
export function resumeRun(run: LiveRun, startedAt: number): void {
  run.recovering = true;
  run.queueMs = Math.max(0, startedAt - run.createdAt);
  setRunning(run, startedAt);
}

/** The other half: everybody is told. */
export function setRunning(run: LiveRun, startedAt: number): void {
  run.startedAt = Math.max(startedAt, run.createdAt); // also by a clock that was set back in between
  run.status = 'running';
  run.log.status('running', run.startedAt);
}

/** With `recursive` mkdir says ENOENT of a place that is read-only: without, it says why. */
function cannotBegin({ root }: RunDirectory, error: unknown): CannotBegin {
  let cause = error;
  try {
    if (codeOf(error) === 'ENOENT') mkdirSync(root, 0o700);
  } catch (reason) {
    cause = reason;
  }
  return new CannotBegin(`the run directory cannot be made: ${storageText(cause)}`, { cause });
}

/**
 * Directories and checks before a run starts. Throws Rejected when it cannot be run as it was asked for, and
 * CannotBegin or the error of the file system when something has run out;
 * a run that is carried on has started, whatever became of its directories.
 */
export function prepare(run: LiveRun, places: PrivatePlaces): Prepared {
  const { directory, invocation } = run;
  const paths = resolveWorkingPaths(invocation, directory);
  const about = { directory, places, globs: invocation.options.artifacts !== undefined };
  if (run.recovering) return { paths, roots: rootsThatAre(paths, about) };
  if (!run.runner.makesDirectory) mkdirSync(directory.root, { recursive: true, mode: 0o700 });
  return { paths, roots: prepareWorkingPaths(paths, about) };
}

function rootsThatAre(paths: WorkingPaths, about: Parameters<typeof prepareWorkingPaths>[1]): RealRoots {
  try {
    return prepareWorkingPaths(paths, about);
  } catch {
    return { working: null, artifact: null };
  }
}
