import { join } from 'node:path';

/** Where the files of one run are. Kept until the run is deleted. */
export interface RunDirectory {
  root: string;
  /** Captured bytes, exact, written once. */
  stdout: string;
  stderr: string;
  /** The events between `running` and the result: see journal.ts. */
  journal: string;
  /** The scratch working directory, made when the invocation names none. */
  work: string;
  /** Copies of collected artifacts. */
  artifacts: string;
}

export function runDirectory(dataDir: string, invocationId: string): RunDirectory {
  return runDirectoryAt(join(dataDir, 'runs', invocationId));
}

export function runDirectoryAt(root: string): RunDirectory {
  return {
    root,
    stdout: `${root}/stdout`,
    stderr: `${root}/stderr`,
    journal: `${root}/journal`,
    work: `${root}/work`,
    artifacts: `${root}/artifacts`,
  };
}
