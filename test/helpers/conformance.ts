import type { FailureReason } from '../../src/documents/failure.ts';
import type { Stream } from '../../src/documents/stream.ts';
import type { BuildOptions, BuiltApp } from './build-app.ts';

/** What the work of an invocation does, in this order. */
export interface Behaviour {
  /** A file of its working directory that it writes to stdout before all else. */
  prints?: string;
  /** Names and texts of files it leaves in the artifact directory. */
  files?: Record<string, string>;
  /** What it writes. */
  output?: { stream: Stream; base64: string }[];
  /** How often it writes all that; default 1. */
  times?: number;
  /** Pause after each piece, so that the pieces arrive one by one. */
  pauseMs?: number;
  /** How long it stays after that. */
  stayMs?: number;
  /** It goes on when it is told to end. */
  ignoreStop?: boolean;
  /** Not 0: it fails. */
  exitCode?: number;
}

/** What every kind is asked for; a kind that cannot have one says why in `skip`. */
export type Concern =
  | 'success'
  | 'failure'
  | 'no output'
  | 'both streams'
  | 'binary output'
  | 'split characters'
  | 'large output'
  | 'output limit'
  | 'timeout'
  | 'idle timeout'
  | 'cancel before the start'
  | 'cancel'
  | 'cancel twice'
  | 'stubborn work'
  | 'first reason'
  | 'many at once'
  | 'artifacts'
  | 'files'
  | 'setup'
  | 'terminals'
  | 'sessions'
  | 'workspaces';

export interface Conformance {
  kind: string;
  /** Distinguishes suites of one kind. */
  title?: string;
  app?: BuildOptions;
  /** What works beside the server, e.g. a worker of manual runs. Resolves with how it ends. */
  accompany?(app: BuiltApp): Promise<() => Promise<void>>;
  /** An invocation (without id) whose work behaves so. */
  invocation(behaviour: Behaviour): Record<string, unknown>;
  /** exit_code of success and of a failure with exitCode 3; default 0 and 3. */
  exitCodes?: { success: number | null; failure: number | null };
  /** outcome.failure.reason of that failure; default exit_code. */
  failedBecause?: FailureReason;
  /** It runs commands of a setup. */
  setsUp?: boolean;
  /** It has terminals. */
  hasTerminals?: boolean;
  /** Files that no input_payload_path names are refused. */
  refusesFiles?: boolean;
  skip?: Partial<Record<Concern, string>>;
}
