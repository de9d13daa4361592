import type { z } from 'zod';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { ArtifactFacts, Omitted } from '../documents/artifact.ts';
import type { Invocation } from '../documents/invocation.ts';
import type { Kill, StreamFacts, TimeoutReason, Timings, Usage } from '../documents/outcome.ts';
import type { FinalStatus } from '../documents/result.ts';
import type { Phase, Stream } from '../documents/stream.ts';
import type { Claims } from './claims.ts';

/**
 * A runner does the work of one runtime_kind.
 *
 * The engine calls `run` once for each run, many at the same time; a runner keeps no state of a run
 * between calls. `run` returns when the work is over, also when the work failed; it throws only when
 * it could not run the work at all. When `ctx.signal` aborts it stops the work, frees everything and
 * settles; it may return or throw then: the signal's reason decides the status. A runner reports
 * facts and never decides a status, except where the outside world names one (`completion`).
 */
export interface Runner<Spec = unknown> {
  readonly kind: string;
  readonly name: string;
  readonly description: string;
  /** Shape of `options.<kind>`. */
  readonly spec: z.ZodType<Spec>;
  /** Does the kind start a process, so that `command` is needed. */
  readonly needsCommand: boolean;
  /** Has the kind output streams, so that results carry stdout and stderr. */
  readonly captures: boolean;
  /** The work has fewer rights than the server: links that it made do not lead the server out of the working directory. */
  readonly confined?: boolean;
  /** The run directory is made by the kind's outside writer, when there is something to put in. Default: before the run. */
  readonly makesDirectory?: boolean;
  /**
   * The spec of an invocation, checked. The default parses `options.<kind>` (or `{}`) with `spec`.
   * Throws Rejected for what cannot be run.
   */
  parse?(invocation: Invocation): Spec;
  /**
   * Is the work done by others, so that it costs this server next to nothing and outlives it: such a run takes no
   * place of the queue, and a server that stops leaves it to the next one. Default: no.
   */
  detached?(spec: Spec): boolean;
  /** Where workers elsewhere take runs of this kind and report on them. */
  readonly claims?: Claims;
  /** Undefined when runs can be started now, else why not, in words. */
  available?(): Promise<string | undefined>;
  run(ctx: RunContext<Spec>): Promise<RunnerOutcome>;
  /** Carry on with a run that an earlier server started. Absent: such runs are lost. */
  recover?(ctx: RunContext<Spec>): Promise<RunnerOutcome>;
}

/** Why a run was aborted. The first reason wins. */
export type AbortReason =
  | { kind: 'timeout'; which: TimeoutReason; seconds: number; graceMs: number }
  | { kind: 'cancel'; graceMs: number };

/** What a running run accepts from outside; absent functions answer 409 not_supported. */
export interface RunControls {
  /** Feed stdin; resolves when the bytes are taken. Throws RunwireError stdin_closed. */
  writeStdin?(bytes: Buffer): Promise<void>;
  closeStdin?(): Promise<void>;
  /** Send a signal, by name (SIGINT), to the whole process group. */
  signal?(name: string): Promise<void>;
  /** What the backend posted to `callbackUrl`; its authenticity is proven. Resolves when it was taken. */
  callback?(body: unknown): Promise<void>;
  /** A second, shorter grace for a stop that is under way. */
  hasten?(graceMs: number): void;
}

/**
 * The events that the runner makes, in order of the calls. Bytes are captured exactly; those that the storage does
 * not take become a `gap`, and the run fails: nothing throws for that, and the work goes on.
 */
export interface RunOutput {
  write(stream: Stream, chunk: Buffer, phase?: Phase): void;
  progress(entry: { message?: string; data?: unknown }): void;
  /** For one who is told whether it was taken, and sends it again: throws what the storage says, having taken nothing. */
  readonly acknowledged: Pick<RunOutput, 'write' | 'progress' | 'note'>;
  /** Keep one line of JSON without `seq`, which is no event, for the `recover` of a later server. */
  note(line: string): void;
  /** No more output comes. The end of a run does it too; before a note it makes that the last word. */
  complete(): void;
  /** What has been captured of a stream until now. */
  captured(stream: Stream): StreamFacts;
}

/** What an outside writer of captures and journal (the supervisor) tells of them. */
export interface OutsideWriter {
  /** seq its first entry must have. */
  readonly firstSeq: number;
  /** The journal file holds whole events up to byte `end`. */
  grew(end: number): void;
  /** Bytes arrived that are not kept: the run is not idle. */
  active(): void;
  /** The writer is done: size of the journal and seq of the next entry. */
  closed(end: number, nextSeq: number): void;
  /** The writer never began and never will: the captures are empty. */
  abandoned(): void;
}

export interface RunContext<Spec = unknown> {
  readonly invocation: Invocation;
  readonly spec: Spec;
  readonly directory: RunDirectory;
  /** When the run became `running`, also if that was under an earlier server. ms since the epoch. */
  readonly startedAt: number;
  /** For `recover`: the machine restarted since, so that no process of the run lives. */
  readonly rebooted: boolean;
  /** Absolute path; exists. */
  readonly workingDirectory: string;
  /** Absolute path or null; exists. */
  readonly artifactDirectory: string | null;
  /** input_payload_path, absolute, a regular file; or null. */
  readonly inputPath: string | null;
  /** The complete environment of a process of this run. */
  readonly environment: Readonly<Record<string, string>>;
  readonly maxOutputBytes: number;
  readonly killGraceMs: number;
  /**
   * Where a backend may POST news of this run: an address of this server with a signed token, good for
   * this run alone. Who has it may say how the run ended.
   */
  callbackUrl(): string;
  /** Aborted with an AbortReason. */
  readonly signal: AbortSignal;
  /** Output and progress written by this process. The first use makes this process the writer. */
  readonly output: RunOutput;
  /**
   * For `recover`, before the first use of `output`: captures and journal of the earlier server are gone
   * on with, byte for byte and seq for seq. Without it they are written anew. `onNote` gets what it noted, in order.
   */
  resumeOutput(onNote?: (line: string) => void): Promise<void>;
  /**
   * For `recover`: it has been looked, and the work of the earlier server goes on. Clocks that ran out meanwhile press
   * the signal from here on (or some seconds after the call): work that had ended is told as it ended.
   */
  goesOn(): void;
  /** Hands captures and journal to a writer in another process instead. Exclusive with `output`. */
  outsideWriter(): OutsideWriter;
  /** Offer what may be done to the running run. */
  offer(controls: RunControls): void;
  /** Call back when the result is stored and survives a crash, or the run is given up. */
  whenStored(callback: () => void): void;
}

/** Facts of a run that is over. */
export interface RunnerOutcome {
  ended: 'exited' | 'signaled' | 'never_started' | 'lost' | 'responded' | 'completed';
  /** Did the work begin. */
  started: boolean;
  /** True only if it provably did not begin. */
  retrySafe: boolean;
  /** Process exit code (−N for signal N), HTTP status, or null. Never made up. */
  exitCode: number | null;
  signal?: string | null;
  /** Success as the kind understands it; default: exitCode is 0. */
  success?: boolean;
  /** A final status named by the outside world (a backend's `cancelled`, a worker's completion). */
  completion?: FinalStatus;
  errorSummary?: string | null;
  /** With the completion `timed_out`: which time it was. */
  timeoutReason?: TimeoutReason;
  /** Words for a timeout where the kind has its own. */
  timeoutSummary?: string;
  /** Artifacts the runner itself made (a response, a final payload), stored in directory.artifacts. */
  artifacts?: ArtifactFacts[];
  /** What the runner itself left out of the artifacts, and why. */
  omitted?: Omitted[];
  metadata?: Record<string, string>;
  /** Facts of captures written by an outside writer. */
  captures?: { stdout: StreamFacts; stderr: StreamFacts };
  usage?: Usage | null;
  kill?: Kill | null;
  timings?: Timings;
}

/** The server could not begin the work, for a reason of its own (`cause`): the run ends as `failed`, and may be tried again. */
export class CannotBegin extends Error {
  constructor(message: string, options: { cause: unknown }) {
    super(message, options);
    this.name = 'CannotBegin';
  }
}

/** The work cannot be run as it was asked for: the run ends as `rejected` with these words. */
export class Rejected extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Rejected';
  }
}
