import { join } from 'node:path';
import { directoryName } from './run-directory.ts';

/** Where the files of one workspace are. */
export interface WorkspaceDirectory {
  root: string;
  /** What runs and clients see. Never replaced while the workspace is there: a container may have it mounted. */
  tree: string;
  /** What is known of its files, so that those that did not change are not read again. */
  index: string;
  /** Where files are written before they are renamed into the tree. */
  beside: string;
  /** Files that were sent when it was made, until they are in the tree. */
  sent: string;
}

/** The names of workspaces are those of run directories: any file system keeps them apart. */
export function workspaceDirectory(dataDir: string, id: string): WorkspaceDirectory {
  const root = join(dataDir, 'workspaces', directoryName(id));
  return {
    root,
    tree: `${root}/tree`,
    index: `${root}/index`,
    beside: `${root}/beside`,
    sent: `${root}/sent`,
  };
}
