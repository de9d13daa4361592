import type { JournalEntry } from './journal.ts';
import type { ArtifactDescriptor } from './artifact.ts';
import type { Outcome } from './outcome.ts';
import type { RuntimeResult } from './result.ts';

/** An event of a run before its output bytes are put in. */
export type LogEntry =
  | { seq: number; time: number; type: 'status'; status: 'pending' | 'running' }
  | JournalEntry
  | { seq: number; time: number; type: 'artifact'; artifact: ArtifactDescriptor }
  | { seq: number; time: number; type: 'finished'; result: RuntimeResult; outcome: Outcome };

/** One event as readers get it. Buffers are shared between readers and must not be written to. */
export interface LoggedEvent {
  readonly seq: number;
  readonly entry: LogEntry;
  /** The bytes of a stdout or stderr event. */
  bytes(): Promise<Buffer>;
  /** The RuntimeEvent on one line of JSON, without newline. */
  json(): Promise<string>;
}

export interface ReadOptions {
  /** seq after which to begin; 0 = from the first event. */
  after: number;
  /** Wait for more until `finished`; else end with what is there now. */
  follow: boolean;
  /** Yield an empty batch when nothing came for so long (for heartbeats). */
  idleMs?: number;
  signal?: AbortSignal;
}

/** The events of one run, live or finished: replay, then follow, one code path. */
export interface EventLog {
  /** seq of `finished`, or null while the run is not finished. */
  readonly lastSeq: number | null;
  read(options: ReadOptions): AsyncGenerator<readonly LoggedEvent[]>;
  /** Bytes of one capture from `offset`, in large blocks; with follow until the run has finished. */
  readCapture(stream: 'stdout' | 'stderr', options: { offset: number; follow: boolean; signal?: AbortSignal }): AsyncGenerator<Buffer>;
}
