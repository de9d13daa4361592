import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { RealRoots } from '../artifacts/collection.ts';
import { CannotBegin, Rejected } from '../contract/outcome.ts';
import { nearestReal, type PrivatePlaces } from '../disk/private-places.ts';
import type { PrivateView } from '../disk/private-view.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { Invocation, InvocationInput } from '../documents/invocation.ts';
import { type BytePath, bytePath } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
import { isInside } from '../platform/inside.ts';
import { LeadsOut, makeDirectory, makeDirectoryIn } from '../platform/make-directory.ts';
import { shortageOf, storageText } from '../platform/shortage.ts';
import { type InputFile, openInput } from './input-file.ts';

type PathFields = Pick<
  InvocationInput,
  'working_directory' | 'artifact_directory' | 'input_payload_path' | 'output_result_path'
>;

/** The paths of an invocation, absolute. */
export interface WorkingPaths {
  workingDirectory: string;
  /** The working directory is the run's own scratch directory. */
  scratch: boolean;
  artifactDirectory: string | null;
  inputPayload: string | null;
  outputResult: string | null;
}

/**
 * A relative working directory is under `cwd`, the server's; the other paths are under the working
 * directory. Absolute paths stay as they are, and `..` may lead out: they are the paths of somebody who may
 * run any program here. Touches no file. A completed invocation gives the same paths again.
 */
export function resolveWorkingPaths(
  invocation: PathFields,
  directory: RunDirectory,
  cwd = process.cwd(),
): WorkingPaths {
  const scratch = under(cwd, directory.work);
  const workingDirectory = under(cwd, invocation.working_directory ?? scratch);
  const within = (path: string | null | undefined) => (path ? under(workingDirectory, path) : null);
  return {
    workingDirectory,
    scratch: workingDirectory === scratch,
    artifactDirectory: within(invocation.artifact_directory),
    inputPayload: within(invocation.input_payload_path),
    outputResult: within(invocation.output_result_path),
  };
}

/** A file that the invocation names in this field, by its absolute path. */
export interface NamedFile {
  field: string;
  path: string;
}

/** Those that are inputs. */
export function inputFiles(
  inputs: Invocation['options']['inputs'] = [],
  { workingDirectory }: Pick<WorkingPaths, 'workingDirectory'>,
): NamedFile[] {
  return inputs.flatMap(({ file }, index) =>
    file === undefined
      ? []
      : [{ field: `options.inputs.${index}.file`, path: resolve(workingDirectory, file) }],
  );
}

/** What a run needs, looked at and made. */
export interface Prepared {
  roots: RealRoots;
  /** Null: there is none. */
  input: InputFile | null;
}

interface PreparedFor {
  directory: RunDirectory;
  places: PrivatePlaces;
  /** Others than the server could have made links in this directory: none that is named as in it leads out of it. */
  confinedTo?: string | null;
}

/**
 * Check and make what a run needs before it starts: one call of the file system when only a working
 * directory is asked for that was asked for before. `globs`: are files collected from the working directory; `used`: does the
 * work use it, else it may be missing; `files`: what else is to be read.
 * Throws Rejected when a directory or the payload cannot be used, or when a path leads to what is private to the
 * server, but for the scratch directory of this very run; CannotBegin when something has run out, and the
 * error of the file system when the scratch directory cannot be made.
 */
export function prepareWorkingPaths(
  paths: WorkingPaths,
  about: PreparedFor & { globs?: boolean; used?: boolean; files?: readonly NamedFile[] },
): Prepared {
  const { directory, places, globs = false, used = true, files = [], confinedTo = null } = about;
  const { workingDirectory, artifactDirectory, inputPayload, outputResult } = paths;
  let view: PrivateView | undefined;
  const refusePrivate = (field: string, path: string, real: BytePath): void => {
    view ??= places.look(directory);
    if (view.holds(real)) throw privateRefusal(field, path);
  };
  if (paths.scratch) makeDirectory(workingDirectory, 0o700);
  // Else nothing is read or begun there: the paths under it are looked at by themselves.
  else if (
    (used || globs) &&
    places.holdsDirectory(workingDirectory, checkWorkingDirectory(workingDirectory), directory)
  )
    throw privateRefusal('working_directory', workingDirectory);
  else if (confinedTo !== null && confinedTo !== workingDirectory && (used || globs))
    refuseOutside('working_directory', confinedTo, workingDirectory, nearestReal(workingDirectory));
  const payload = inputPayload ? [{ field: 'input_payload_path', path: inputPayload }] : [];
  for (const { field, path } of [...payload, ...files]) {
    // First: whether there is such a file is the server's own business too.
    const real = nearestReal(path);
    refusePrivate(field, path, real);
    checkFile(field, path);
    // Of the payload what is open is judged.
    if (field !== 'input_payload_path') refuseOutside(field, confinedTo, path, real);
  }
  if (outputResult) refusePrivate('output_result_path', outputResult, nearestReal(outputResult));
  let artifact: string | null = null;
  if (artifactDirectory) {
    const nearest = nearestReal(artifactDirectory);
    refusePrivate('artifact_directory', artifactDirectory, nearest);
    refuseOutside('artifact_directory', confinedTo, artifactDirectory, nearest);
    makeArtifactDirectory(artifactDirectory, confinedTo);
    artifact = attempt(`artifact directory cannot be used: ${artifactDirectory}`, () =>
      realpathSync.native(artifactDirectory),
    );
    refusePrivate('artifact_directory', artifactDirectory, bytePath(artifact));
    // Again: this is the directory that is collected, whatever its name has led to before.
    refuseOutside('artifact_directory', confinedTo, artifactDirectory, bytePath(artifact));
  }
  const working = globs
    ? attempt(`working directory cannot be used: ${workingDirectory}`, () =>
        realpathSync.native(workingDirectory),
      )
    : null;
  if (working) {
    refusePrivate('working_directory', workingDirectory, bytePath(working));
    refuseOutside('working_directory', confinedTo, workingDirectory, bytePath(working));
  }
  // Last: nothing refuses it any more while it is open.
  return { roots: { working, artifact }, input: openInputPayload(paths, about) };
}

/** Null: there is none. Throws Rejected. */
export function openInputPayload(
  paths: WorkingPaths,
  { directory, places, confinedTo = null }: PreparedFor,
): InputFile | null {
  const { inputPayload } = paths;
  if (inputPayload === null) return null;
  const view = places.look(directory);
  if (view.holds(nearestReal(inputPayload))) throw privateRefusal('input_payload_path', inputPayload);
  return attempt(`input_payload_path cannot be read: ${inputPayload}`, () =>
    openInput(
      inputPayload,
      (real, isPrivate) => {
        if (isPrivate) throw privateRefusal('input_payload_path', inputPayload);
        refuseOutside('input_payload_path', confinedTo, inputPayload, real);
      },
      view,
    ),
  );
}

/** Throws Rejected for what is named as in the directory and leads out of it. */
function refuseOutside(field: string, directory: string | null, path: string, real: BytePath): void {
  if (directory === null || !isInside(resolve(directory), resolve(path))) return;
  if (!isInside(bytePath(realpathSync.native(directory)), real)) throw outside(field, path);
}

function outside(field: string, path: string): Rejected {
  return new Rejected(`${field}: a symbolic link leads out of the working directory: ${path}`);
}

function privateRefusal(field: string, path: string): Rejected {
  return new Rejected(`${field} leads to the data of the server: ${path}`);
}

function under(directory: string, path: string): string {
  return isAbsolute(path) ? path : resolve(directory, path);
}

function checkWorkingDirectory(path: string): Stats {
  try {
    return statSync(`${path}/.`); // it is there, a directory, and may be entered
  } catch {
    // the words come from a closer look
  }
  const stats = look('working directory', path);
  if (!stats) throw new Rejected(`working directory does not exist: ${path}`);
  if (!stats.isDirectory()) throw new Rejected(`working directory is not a directory: ${path}`);
  // May it be entered? Else the program would be blamed: "not executable".
  return attempt(`working directory cannot be used: ${path}`, () => statSync(`${path}/.`));
}

function checkFile(field: string, path: string): void {
  const stats = look(field, path);
  if (!stats) throw new Rejected(`${field} does not exist: ${path}`);
  if (!stats.isFile()) throw new Rejected(`${field} is not a regular file: ${path}`);
  attempt(`${field} cannot be read: ${path}`, () => accessSync(path, constants.R_OK));
}

function makeArtifactDirectory(path: string, confinedTo: string | null): void {
  attempt(`artifact directory cannot be made: ${path}`, () => {
    if (confinedTo === null || !isInside(resolve(confinedTo), resolve(path))) return makeDirectory(path);
    try {
      makeDirectoryIn(confinedTo, path);
    } catch (error) {
      throw error instanceof LeadsOut ? outside('artifact_directory', path) : error;
    }
  });
}

/** Undefined when there is nothing. */
function look(what: string, path: string): Stats | undefined {
  return attempt(`${what} cannot be used: ${path}`, () => statSync(path, { throwIfNoEntry: false }));
}

function attempt<T>(words: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Rejected) throw error;
    const code = codeOf(error) ?? error;
    // A read-only place was named by the invocation; what has run out may be there again later.
    if (shortageOf(error) && code !== 'EROFS')
      throw new CannotBegin(`${words}: ${storageText(error)}`, { cause: error });
    throw new Rejected(`${words} (${code})`);
  }
}
