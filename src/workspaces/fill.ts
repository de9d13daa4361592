import { existsSync, mkdirSync, renameSync } from 'node:fs';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { WorkspaceDirectory } from '../disk/workspace-directory.ts';
import type { WorkspaceSource } from '../documents/workspace.ts';
import { removeTree } from '../platform/remove-tree.ts';
import { putInto } from './put.ts';
import type { Shots } from './shots.ts';
import type { TreeHands, TreeJob } from './tree-hands.ts';

export type GitSource = NonNullable<WorkspaceSource['git']>;

export interface GitRoom {
  /** Where it may be made before: on the same file system. */
  beside: string;
  /** What the workspace may have. */
  maxBytes: number;
}

/** The workspace of a run, by its id, or a directory of its own, absolute. */
export type PlaceOfRun = { workspace: string } | { directory: string };

/** Where what a workspace begins with comes from, besides snapshots. */
export interface Sources {
  /** Fills the directory, which is there and empty, or puts another in its place. Absent: this server has no git. */
  git?: (from: GitSource, directory: string, signal: AbortSignal, room: GitRoom) => Promise<unknown>;
  /** Throws RunwireError for what can be told to be no git source before anything is stored. */
  checkGit?: (from: GitSource) => void;
  /** Where a run worked. Throws RunwireError where that is not the server's. */
  invocation(id: string): PlaceOfRun;
}

export interface FillParts {
  hands: TreeHands;
  shots: Shots;
  places: PrivatePlaces;
  sources: Sources;
  /** The tree of another workspace, from when nothing goes on in it until `copy` settles. */
  still(id: string, copy: (job: TreeJob) => Promise<unknown>, signal: AbortSignal): Promise<void>;
}

/**
 * Puts into a workspace what it begins with. Begun anew it does all of it again: what an earlier server had done is
 * taken away before. Files that were sent come last.
 */
export async function fill(
  parts: FillParts,
  directory: WorkspaceDirectory,
  from: WorkspaceSource | undefined,
  signal: AbortSignal,
  maxBytes: number,
): Promise<void> {
  const { root, tree, beside, sent } = directory;
  mkdirSync(root, { recursive: true, mode: 0o700 });
  await removeTree(beside);
  if (from === undefined) {
    // The files that were sent are all of it.
    if (existsSync(sent)) renameSync(sent, tree);
    else mkdirSync(tree, { recursive: true, mode: 0o700 });
    mkdirSync(beside, { mode: 0o700 });
    return;
  }
  await removeTree(tree);
  mkdirSync(beside, { mode: 0o700 });
  mkdirSync(tree, { mode: 0o700 });
  signal.throwIfAborted();
  await bring(parts, directory, from, signal, maxBytes);
  signal.throwIfAborted();
  if (existsSync(sent)) await putInto({ from: sent, root: tree, beside });
}

async function bring(
  { hands, shots, places, sources, still }: FillParts,
  { tree, index, beside }: WorkspaceDirectory,
  from: WorkspaceSource,
  signal: AbortSignal,
  maxBytes: number,
): Promise<void> {
  if (from.snapshot !== undefined) {
    const { digest } = shots.row(from.snapshot);
    const job = { root: tree, index, seen: places.see({ work: tree }) };
    await hands.holding(() => hands.restore({ ...job, beside, digest, mode: 'exact' }));
  } else if (from.workspace !== undefined || from.invocation !== undefined) {
    const place = placeOf(sources, from);
    const copy = (job: TreeJob) => hands.copy({ ...job, index: null, to: tree });
    if ('workspace' in place) await still(place.workspace, copy, signal);
    else await copy({ root: place.directory, index: null, seen: places.see({ work: place.directory }) });
  } else if (from.git !== undefined) {
    if (!sources.git) throw new Error('this server has no git');
    await sources.git(from.git, tree, signal, { beside, maxBytes });
  }
}

/** What is copied: of a run of a workspace that is the workspace. */
export function placeOf(sources: Sources, { workspace, invocation = '' }: WorkspaceSource): PlaceOfRun {
  return workspace === undefined ? sources.invocation(invocation) : { workspace };
}
