import { mkdirSync } from 'node:fs';
import type { RealRoots } from '../artifacts/collection.ts';
import { CannotBegin, Rejected } from '../contract/outcome.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import { codeOf, messageOf } from '../platform/error-words.ts';
import { storageText } from '../platform/shortage.ts';
import type { InputFile } from './input-file.ts';
import type { LiveRun } from './live-run.ts';
import {
  inputFiles,
  type NamedFile,
  openInputPayload,
  type Prepared,
  prepareWorkingPaths,
  type WorkingPaths,
} from './working-paths.ts';

/** A run has a place: what it needs before it begins is looked at and made. False: it cannot be run, and has a refusal. */
export function makeReady(run: LiveRun, places: PrivatePlaces): boolean {
  run.leaveQueue();
  if (!run.refusal)
    try {
      if (!run.runner.makesDirectory) mkdirSync(run.directory.root, { recursive: true, mode: 0o700 });
      run.prepared(lookAt(run, places, run.paths, inputFiles(run.invocation.options.inputs, run.paths)));
    } catch (error) {
      const known = error instanceof Rejected || error instanceof CannotBegin;
      run.refuse(known ? error : cannotBegin(run.directory, error));
    }
  return run.refusal === null;
}

/** A run that an earlier server started has started, whatever became of its directories. */
export function lookAgain(run: LiveRun, places: PrivatePlaces): RealRoots {
  if (run.roots) return run.roots;
  const { paths, directory } = run;
  let roots: RealRoots;
  let input: InputFile | null = null;
  try {
    // What it was given may be gone without what it made.
    ({ roots } = lookAt(run, places, { ...paths, inputPayload: null }, []));
  } catch (error) {
    roots = { working: null, artifact: null, refused: messageOf(error) };
  }
  try {
    input = openInputPayload(paths, { directory, places, confinedTo: run.confinedTo });
  } catch {
    // nothing is read
  }
  run.prepared({ roots, input });
  return roots;
}

/** Why no output is looked for in the working directory, in words; null: they are. */
export function noOutputsReason({ runner, spec, refusal, workspace }: LiveRun): string | null {
  const used = refusal !== null || workspace !== null || (runner.usesDirectory?.(spec) ?? true);
  return used ? null : 'was not uploaded under this id';
}

function lookAt(
  run: LiveRun,
  places: PrivatePlaces,
  paths: WorkingPaths,
  files: readonly NamedFile[],
): Prepared {
  const { directory, invocation, runner, spec, refusal } = run;
  const { artifacts, outputs } = invocation.options;
  const globs = artifacts !== undefined || (outputs !== undefined && noOutputsReason(run) === null);
  const used = refusal !== null || (runner.usesDirectory?.(spec) ?? true);
  return prepareWorkingPaths(paths, { directory, places, globs, used, files, confinedTo: run.confinedTo });
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
