import type { Snapshot, SnapshotInput } from '../documents/snapshot.ts';
import type { RestoreInput, Workspace, WorkspaceInput } from '../documents/workspace.ts';
import type { Entry, ScanOf } from '../files/scan.ts';

/** Files that came with a request, whole and on the disk of the server: as of a run. */
export interface GivenFiles {
  /** SHA-256 of all of them, where the document does not say them; part of what makes two bodies the same. */
  readonly digest: string | null;
  /** Makes them a directory of this path, which is not there. */
  moveTo(directory: string): void;
}

/** A directory that may be changed, while nobody restores it. */
export interface ChangingTree {
  /** Absolute. No link in it is followed. */
  root: string;
  /** A directory on the same file system and not in it, where new files are written before they are renamed. */
  beside: string;
  /** So many bytes more come into it: counted at once, whoever else brings some. Throws workspace_full. */
  take(bytes: number): Promise<void>;
  isPrivate: ScanOf['isPrivate'];
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

/**
 * What routes may ask of the workspaces of a server. All throw RunwireError: workspace_not_found, workspace_removed (410)
 * where there is none of the id; workspace_busy (409) where something else goes on in it; workspace_full (507).
 */
export interface Workspaces {
  /**
   * Make one, or join the one that the same id and body already made (workspace_conflict for another body). Stored when
   * it resolves; one with a source may be `filling` then.
   */
  create(input: WorkspaceInput, files?: GivenFiles): Promise<{ workspace: Workspace; replayed: boolean }>;
  get(id: string): Workspace;
  /** Newest first. */
  list(filter: { limit: number; cursor?: string }): Page<Workspace>;
  /** True when it is no longer `filling`, false after `ms` or when the signal aborts. */
  filled(id: string, ms: number, signal?: AbortSignal): Promise<boolean>;
  /** Throws workspace_busy where it is that of a session. */
  refuseHeld(id: string): void;
  /** Throws workspace_busy while there are unfinished runs of it, and where it is that of a session. */
  remove(id: string): Promise<void>;
  /** The workspace that is being filled with what this run made; null: none. */
  filledFromRun(run: string): string | null;
  /** Unfinished runs of it, in order of arrival. */
  runsOf(id: string): string[];
  /** For reading. */
  tree(id: string): ScanOf;
  /** Until `read` settles it counts as being used: it does not expire, and its files stay though it is removed. */
  reading<T>(id: string, read: () => Promise<T>): Promise<T>;
  /**
   * Change its files from outside: also while runs are in it, not while it is filled or restored, nor while one works in a copy of it.
   * Counted afterwards.
   */
  changing<T>(id: string, change: (tree: ChangingTree) => Promise<T>): Promise<T>;
  /**
   * Its files as they are now, kept as a list of this digest until `use` settles; no snapshot of it stays. Also while a
   * run is in it.
   */
  captured<T>(id: string, use: (digest: string) => Promise<T>): Promise<T>;
  /** `whileRunning`: also while a run is in it. A snapshot of the same id and workspace is answered again (`replayed`). */
  snapshot(
    id: string,
    input: SnapshotInput,
    options?: { whileRunning?: boolean },
  ): Promise<{ snapshot: Snapshot; replayed: boolean }>;
  restore(id: string, input: RestoreInput): Promise<Workspace>;
  /** Back to what it began with. Throws workspace_busy where it is that of a session, which has a reset of its own. */
  reset(id: string): Promise<Workspace>;
}

/** Throws RunwireError snapshot_not_found, snapshot_removed (410); snapshot_busy (409) where one that is to go is still needed. */
export interface Snapshots {
  get(id: string): Snapshot;
  list(filter: { limit: number; cursor?: string; workspaceId?: string }): Page<Snapshot>;
  /** Its contents go when no other snapshot has them. */
  remove(id: string): Promise<void>;
  reading<T>(id: string, read: () => Promise<T>): Promise<T>;
  /** Everything in it, as of a directory (scan). `after`: begin behind this path. */
  entries(id: string, after?: string | null): AsyncGenerator<Entry>;
  /** Null: there is no such path in it. */
  find(id: string, parts: readonly string[]): Entry | null | Promise<Entry | null>;
}
