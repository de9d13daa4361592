import type { Seen } from '../disk/private-view.ts';

/** A tree to work on; plain data. */
export interface TreeJob {
  /** Absolute, and real. */
  root: string;
  /** The file of what is known of this tree (index-file.ts), on its file system and not in it. Null: none is kept. */
  index: string | null;
  seen: Seen;
}

export interface CaptureJob extends TreeJob {
  /** Globs: nothing else is taken. */
  keep?: readonly string[];
  /** Globs: neither they nor what is below is taken. */
  ignore?: readonly string[];
}

export interface RestoreJob extends TreeJob {
  /** A directory of the same file system, where new files are written before they are renamed. */
  beside: string;
  digest: string;
  mode: 'exact' | 'overlay';
}

export interface CopyJob extends TreeJob {
  /** An empty directory, or one that is made. */
  to: string;
}

export interface Omission {
  path: string;
  reason: string;
}

export interface Captured {
  digest: string;
  files: number;
  bytes: number;
  omitted: Omission[];
}

export interface Amount {
  files: number;
  bytes: number;
}

export interface SweepJob {
  /** The lists that hold what is kept. */
  digests: readonly string[];
  /** Contents that are held by themselves. */
  files: readonly string[];
}

/** What becomes of permissions. `shared`: anybody may read it. */
export type BuildModes = 'writable' | 'readOnly' | 'shared';

/** Something that is kept, to be made anew at a place. */
export interface BuildJob {
  /** A file's bytes, or the tree of a list. */
  type: 'file' | 'directory';
  digest: string;
  /** Of a file. */
  size: number;
  /** Absolute. It is not there, and the directory above it is. */
  to: string;
  modes: BuildModes;
}

/** What was removed. */
export interface Swept {
  removed: number;
  bytes: number;
}
