import type { Stats } from 'node:fs';
import type { Claims } from '../contract/claims.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { ArtifactDescriptor } from '../documents/artifact.ts';
import type { ExactInvocation } from '../documents/exact-invocation.ts';
import type { InvocationInput } from '../documents/invocation.ts';
import type { Kind } from '../documents/kind.ts';
import type { Places } from '../documents/places.ts';
import type { Record } from '../documents/record.ts';
import type { RecoveryState } from '../documents/recovery-state.ts';
import type { Status } from '../documents/result.ts';
import type { TerminalSize } from '../documents/terminal.ts';
import type { TraceContext } from '../documents/trace-context.ts';
import type { WaitingReason } from '../documents/waiting.ts';
import type { EventLog } from '../log/event-log.ts';
import type { ChangingTree } from '../workspaces/workspaces.ts';

/** What routes may ask of the engine. All throw RunwireError (invocation_not_found, or invocation_removed, when there is none of the id). */
export interface Engine {
  /** What this server can run. */
  readonly kinds: readonly Kind[];
  /** Accept an invocation, or join the run that the same id or key already made. */
  submit(input: InvocationInput, options?: SubmitOptions): Submission;
  has(id: string): boolean;
  status(id: string): Status;
  /** The record as one line of JSON (hot path: documents are stored as text and not parsed again). */
  recordJson(id: string): string;
  record(id: string): Record;
  /** The invocation as RxP knows it, without what only this server does. */
  exactInvocation(id: string): ExactInvocation;
  /** True when the run has finished; false when `ms` went by or the signal aborted first. */
  waitFinished(id: string, ms: number, signal?: AbortSignal): Promise<boolean>;
  /** Newest first. `cursor` is opaque. Items are record JSON. */
  list(filter: ListFilter): { items: string[]; nextCursor: string | null };
  log(id: string): EventLog;
  directory(id: string): RunDirectory;
  artifacts(id: string): ArtifactDescriptor[];
  /** The absolute path of an artifact's bytes. `isPrivate`: is what is open there now a private file of the server. */
  artifactPath(
    id: string,
    artifactId: string,
  ): {
    descriptor: ArtifactDescriptor;
    file: string;
    isPrivate: (stats: Stats, descriptor: number) => boolean;
  };
  /** The directory that the server made for the run to work in. Throws file_not_found where it made none. */
  workFiles(id: string): { root: string; isPrivate: (stats: Stats, descriptor: number) => boolean };
  /** The same, to be changed from outside: of a workspace as it allows. Throws RunwireError as that does. */
  changingFiles<T>(id: string, change: (tree: ChangingTree) => Promise<T>): Promise<T>;
  /** Returns false when the run was already finished. */
  cancel(id: string, graceSeconds?: number): boolean;
  writeStdin(id: string, bytes: Buffer): Promise<void>;
  closeStdin(id: string): Promise<void>;
  /** Of a run with a terminal. */
  resize(id: string, size: TerminalSize): Promise<void>;
  signal(id: string, name: string): Promise<void>;
  /** News of a run by a backend that has its callback address. Throws unauthorized, the same for unknown runs and false tokens. */
  callback(id: string, token: string, body: string): Promise<void>;
  /** Where workers take runs and report on them. Throws not_supported where no kind has workers. */
  claims(): Claims;
  /** Until `read` settles the history of the run counts as being read: it stays readable, also when the run is deleted. */
  reading<T>(id: string, read: () => Promise<T>): Promise<T>;
  /** The same of `workFiles`: of a run of a workspace, the workspace is being read too. */
  readingFiles<T>(id: string, read: () => Promise<T>): Promise<T>;
  /** Delete record and files of a finished run; not_finished (409) while it runs. */
  remove(id: string): Promise<void>;
  runtimes(): Promise<RuntimeDescription[]>;
  /** One of them, by its kind or an alias. Throws RunwireError runtime_not_found. */
  runtime(word: string): Promise<RuntimeDescription>;
  /** Resolves when it is known what became of a run that an earlier server left; for others at once. */
  resumed(id: string): Promise<void>;
  /** Would submit take a run now. */
  readiness(): Readiness;
  /** For a scrape of the metrics, not per request. */
  numbers(): PlaceNumbers & StorageNumbers;
}

export interface StorageNumbers {
  /** Runs that are kept, and their bytes as retention counts them; null where the storage does not tell. */
  finished: { count: number; bytes: number } | null;
  /** Of the file system of the data directory, bytes. */
  disk: { total: number; free: number } | null;
}

export interface PlaceNumbers {
  places: { [Sort in Places]: { all: number; taken: number } };
  /** Runs that wait, by what for. */
  waiting: { [Reason in WaitingReason]: number };
}

export interface Readiness {
  ready: boolean;
  /** Why not, in words. */
  reason: string | null;
  running: number;
  queued: number;
  /** What became of the runs of an earlier server. New ones are taken meanwhile. */
  recovery: RecoveryState;
}

/** Files that came with an invocation, whole and on the disk of the server. */
export interface SentFiles {
  /** SHA-256 of all of them, where the invocation itself does not say them; part of what makes two bodies the same. */
  readonly digest: string | null;
  /** The text of one that the invocation itself says (`options.files`, which): filled, it is another. */
  setText(index: number, text: string): void;
  /** The versions (`name@version`) of those that are assets, by their place in `options.files`. */
  readonly versions: ReadonlyMap<number, string>;
  /** Makes them a directory of this path. */
  moveTo(directory: string): void;
}

export interface SubmitOptions {
  /** It is the session's own, and sets it up. */
  ofSession?: boolean | undefined;
  /** It is refused where it could only end as `rejected`. */
  mustRun?: boolean | undefined;
  /** They are the working directory of the run. */
  files?: SentFiles | undefined;
  idempotencyKey?: string | undefined;
  /** Of the request: handed on to who works for the run. */
  trace?: TraceContext | undefined;
}

export interface Submission {
  id: string;
  /** The run existed already. */
  replayed: boolean;
  /** Resolves when a crash cannot forget the run. */
  stored: Promise<void>;
}

export interface ListFilter {
  status?: Status;
  /** Or an alias. */
  runtimeKind?: string;
  runtimeName?: string;
  limit: number;
  cursor?: string;
}

export interface RuntimeDescription {
  kind: string;
  name: string;
  description: string;
  options_schema: unknown;
  available: boolean;
  reason: string | null;
}
