import { hash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import type { Channel } from '../documents/stream.ts';

/**
 * Where the files of one run are, each made when there is something to put in. Kept until the run is deleted.
 */
export interface RunDirectory {
  root: string;
  /** Captured bytes, exact, written once. */
  stdout: string;
  stderr: string;
  /** The same of the setup, where there is one. */
  setup_stdout: string;
  setup_stderr: string;
  /** The events between `running` and the result: see journal.ts. */
  journal: string;
  /**
   * The directory that is the run's own to work in: scratch, made when the invocation names none, or the tree of its
   * workspace.
   */
  work: string;
  /** Files that came with a run of a workspace, until its turn comes; then what a run is given beside its working directory. */
  given: string;
  /** Copies of collected artifacts. */
  artifacts: string;
  /** The one empty file of the data directory: the capture of every stream that nothing was written to. */
  empty: string;
}

/** The file with the kept bytes of a channel. */
export function captureFile(directory: RunDirectory, channel: Channel, kept: number): string {
  return kept > 0 ? directory[channel] : directory.empty;
}

/** Where the kept bytes of a collected artifact are. */
export function artifactFile(directory: RunDirectory, artifactId: string): string {
  return join(directory.artifacts, artifactId);
}

/** Where outputs are that were brought from elsewhere, each under its id, until they are kept. */
export function outputsOf({ root }: RunDirectory): string {
  return join(root, 'outputs');
}

/** Names that every file system keeps apart and takes as they are. */
const SAFE = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * The name of the directory of a run that is new: its id, where that is a safe name, or a hash of it, which no id is. So ids that
 * differ in case or Unicode form alone are two runs anywhere. Stored with the run: earlier releases took every id as it was.
 */
export function directoryName(invocationId: string): string {
  return SAFE.test(invocationId) ? invocationId : `_${hash('sha256', invocationId)}`;
}

/** `name`: the one that is stored with the run. */
export function runDirectory(dataDir: string, name: string): RunDirectory {
  return runDirectoryAt(join(dataDir, 'runs', name));
}

export function nameOf({ root }: RunDirectory): string {
  return basename(root);
}

export function runDirectoryAt(root: string): RunDirectory {
  return {
    root,
    stdout: `${root}/stdout`,
    stderr: `${root}/stderr`,
    setup_stdout: `${root}/setup_stdout`,
    setup_stderr: `${root}/setup_stderr`,
    journal: `${root}/journal`,
    work: `${root}/work`,
    given: `${root}/given`,
    artifacts: `${root}/artifacts`,
    empty: `${dirname(dirname(root))}/empty`,
  };
}
