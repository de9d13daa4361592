import type { RunDirectory } from '../disk/run-directory.ts';
import type { Recorded } from './earlier.ts';

export interface RecorderOptions {
  directory: RunDirectory;
  /** seq of the first entry. */
  firstSeq: number;
  /** Bytes kept of each channel; what comes after is counted and reported as a gap. */
  maxOutputBytes: number;
  /** Called after entries are in the journal, with its size in bytes after them. */
  onAppend?: (end: number) => void;
  /** Go on with this; `firstSeq` is not looked at then. */
  recorded?: Recorded | null | undefined;
  /** The run has a setup: its facts are told also where it wrote nothing. */
  setup?: boolean;
}
