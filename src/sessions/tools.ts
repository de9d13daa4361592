import type { AssetBook } from '../assets/asset-book.ts';
import type { Runner } from '../contract/runner.ts';
import type { Canceller } from '../documents/cancelled-by.ts';
import type { InvocationInput } from '../documents/invocation.ts';
import type { Record as RunRecord } from '../documents/record.ts';
import type { Status } from '../documents/result.ts';
import type { Snapshot, SnapshotInput } from '../documents/snapshot.ts';
import type { RestoreInput, Workspace, WorkspaceInput } from '../documents/workspace.ts';
import type { SpecBook } from '../specs/spec-book.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { GivenFiles, Snapshots } from '../workspaces/workspaces.ts';
import type { LiveSessions } from './live.ts';
import type { SessionTable } from './table.ts';

/** What sessions ask of the engine. */
export interface SessionEngine {
  submit(
    input: InvocationInput,
    options: { ofSession: true; mustRun?: true },
  ): { id: string; stored: Promise<void> };
  has(id: string): boolean;
  status(id: string): Status;
  record(id: string): RunRecord;
  cancel(id: string, graceSeconds: undefined, by: Canceller): boolean;
  waitFinished(id: string, ms: number, signal?: AbortSignal): Promise<boolean>;
}

/** What sessions ask of workspaces. */
export interface SessionSpaces {
  /** Made in this turn of the event loop, filled later: what is stored in the same turn is stored with it, or nothing is. */
  make(input: WorkspaceInput, files?: GivenFiles): { id: string; stored: Promise<void> };
  get(id: string): Workspace;
  /** Nobody gets a turn in it until what this returns is called. */
  hold(id: string): () => void;
  /** Unfinished runs of it, in order of arrival. */
  runsOf(id: string): string[];
  holdersOf(id: string): string[];
  snapshot(
    id: string,
    input: SnapshotInput,
    options: { whileRunning: boolean },
  ): Promise<{ snapshot: Snapshot; replayed: boolean }>;
  /** While it is held. */
  restoreHeld(id: string, input: RestoreInput): Promise<void>;
  /** By its session. */
  release(id: string): Promise<void>;
}

export interface SessionLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface SessionParts {
  dataDir: string;
  store: InvocationStore;
  engine: SessionEngine;
  spaces: SessionSpaces;
  snapshots: Pick<Snapshots, 'get' | 'remove'>;
  /** The runner of a word. */
  kinds: { find(word: string): Runner | undefined };
  specs: SpecBook;
  /** Absent: there are none. */
  assets?: Pick<AssetBook, 'resolve'>;
  disk: { shortage(): string | null; spendReserve(): void };
  log: SessionLog;
  /** ms since the epoch, by which what is not used gets old. */
  now: () => number;
}

/** What all that is done to sessions works with. */
export interface SessionTools extends SessionParts {
  table: SessionTable;
  live: LiveSessions;
  /** Aborted when the server stops: what is not done then is the next one's. */
  closed: AbortSignal;
}
