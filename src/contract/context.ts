import type { Readable } from 'node:stream';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { Omitted } from '../documents/artifact.ts';
import type { Invocation } from '../documents/invocation.ts';
import type { StreamFacts } from '../documents/outcome.ts';
import type { Channel, Phase, Stream } from '../documents/stream.ts';
import type { TerminalSize } from '../documents/terminal.ts';
import type { Waiting } from '../documents/waiting.ts';
import type { GivenFile } from './given.ts';

/** What a running run accepts from outside; absent functions answer 409 not_supported. */
export interface RunControls {
  /** Feed stdin; resolves when the bytes are taken. Throws RunwireError stdin_closed. */
  writeStdin?(bytes: Buffer): Promise<void>;
  /** No more comes. Nothing to complain of where the program, or its end, has closed it before. */
  closeStdin?(): Promise<void>;
  /** Its terminal has this size from now on. */
  resize?(size: TerminalSize): Promise<void>;
  /** Send a signal, by name (SIGINT), to the whole process group. */
  signal?(name: string): Promise<void>;
  /** The text that the backend posted to `callbackUrl`, whatever it is; its authenticity is proven. Resolves when it was taken. */
  callback?(body: string): Promise<void>;
  /** A second, shorter grace for a stop that is under way. */
  hasten?(graceMs: number): void;
  /** What the run waits for although it has begun; null: for nothing. Asked often. */
  waiting?(): Waiting | null;
}

/**
 * The events that the runner makes, in order of the calls. Bytes are captured exactly; those that the storage does
 * not take become a `gap`, and the run fails: nothing throws for that, and the work goes on.
 */
export interface RunOutput {
  /** What setup writes is captured apart. Without a phase it is the command's. */
  write(stream: Stream, chunk: Buffer, phase?: Phase): void;
  /** So many bytes were written next, and are nowhere to be had: they and all behind them become a `gap`, and the run fails. */
  missed(stream: Stream, length: number, phase?: Phase): void;
  progress(entry: { message?: string; data?: unknown }): void;
  /** For one who is told whether it was taken, and sends it again: throws what the storage says, having taken nothing. */
  readonly acknowledged: Pick<RunOutput, 'write' | 'progress' | 'note'>;
  /** Keep one line of JSON without `seq`, which is no event, for the `recover` of a later server. */
  note(line: string): void;
  /**
   * No more output comes, or no more of this phase: what was held back of it is told. The end of a run does it too; before a
   * note it makes that the last word.
   */
  complete(phase?: Phase): void;
  /** Where it is captured: in runs that 0.1.0 began setup shares the captures of the command. */
  channelOf(stream: Stream, phase?: Phase): Channel;
  /** What has been captured of a stream until now. */
  captured(stream: Stream, phase?: Phase): StreamFacts;
}

/** The workspace of a run that works in a copy of it. */
export interface CopiedWorkspace {
  /**
   * It becomes what the copy is by now: `tar` is of that directory alone, whose name begins every name in it. Returns what was left
   * out. Rejects where nothing was changed. For `recover` too: done again it does the same.
   */
  replace(tar: Readable): Promise<Omitted[]>;
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

/** Commands to be run where the command will run, before it: in order, each when the one before ended with 0. */
export interface SetupPlan {
  /** argv of each; not empty, but in the setup of a session. */
  readonly commands: readonly (readonly string[])[];
  /** For all of them together, from the start of the first. */
  readonly timeoutMs: number;
  /** For kinds that have users of their own. */
  readonly user: string | null;
}

/** The session that a run is in. Nobody ends the session while the run is not over. */
export interface SessionOfRun {
  readonly id: string;
  /** 1 at first, and one more at each reset: what belongs to an earlier one is nobody's. */
  readonly generation: number;
  /** It prepares the session: it has a setup (which may be without commands) and no command, and what it starts stays. */
  readonly isSetup: boolean;
  /** What the kind holds for the session had stopped and goes on, without the processes that were in it, which the session tells from now on. */
  restarted?(): void;
  /**
   * What the kind holds for the session is gone, `why` in words: no run can begin any more (`SessionHost.trouble` says so too). The
   * session has failed when this returns; resolves when that is stored. Never rejects.
   */
  gone?(why: string): Promise<void>;
  /** When what the kind holds for the session was started, in the kind's own words as it last said; null: it has not, in this generation. */
  startedAt?(): string | null;
  /** It is this from now on, also for the runs of later servers. */
  started?(at: string): void;
}

export interface RunContext<Spec = unknown> {
  /** As it is run: what its placeholders and templates stand for is in their place. */
  readonly invocation: Invocation;
  readonly spec: Spec;
  readonly directory: RunDirectory;
  /** When it was accepted. ms since the epoch. */
  readonly acceptedAt: number;
  /** When the run became `running`, also if that was under an earlier server. ms since the epoch. */
  readonly startedAt: number;
  /** For `recover`: the machine restarted since, so that no process of the run lives. */
  readonly rebooted: boolean;
  /** Absolute path; exists, where the kind uses it (`usesDirectory`). */
  readonly workingDirectory: string;
  /** Absolute path or null; exists. */
  readonly artifactDirectory: string | null;
  /** Opens, in this process and until the run settles, the file that input_payload_path was when the run began; or null. */
  readonly inputPath: string | null;
  /** For another process: its name, and by its numbers (decimal) the file that must be open under it. Null: there is none. */
  readonly inputFile: { readonly path: string; readonly dev: string; readonly ino: string } | null;
  /** What it is given beside its working directory: as the kind says (`given`), it is there, or to be brought there. */
  readonly given: readonly GivenFile[];
  /** Addresses of this server that stand in the invocation: whoever has one may read, so nothing that is told has it. */
  readonly signedAddresses: readonly string[];
  /** Where the kind has it so (`copiesWorkspace`) and the run is in one; else null. */
  readonly workspace: CopiedWorkspace | null;
  /** Null: nothing is to be done before the command. */
  readonly setup: SetupPlan | null;
  /** Null: it is in none. */
  readonly session: SessionOfRun | null;
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
  /**
   * Setup is over and the command begins, or began so long ago: the time that the run may take counts from there. Of use
   * where there is a setup; without one it counts from the start. The first call counts. In `recover`: before `goesOn`, where it
   * has begun.
   */
  commandBegins(msAgo?: number): void;
  /** The work was ended by whoever watched it since its time was over: that of the command, or of the setup. */
  timedOut(which?: 'run' | 'setup'): void;
  /**
   * From now on the work goes on when the server ends, and `recover` carries on with it and loses nothing: a server that
   * stops leaves it to the next one. Until then such a server waits for the run, and cancels it in the end.
   */
  outlives(): void;
  /** Hands captures and journal to a writer in another process instead. Exclusive with `output`. */
  outsideWriter(): OutsideWriter;
  /** Offer what may be done to the running run. */
  offer(controls: RunControls): void;
  /** Call back when the result is stored and survives a crash, or the run is given up. */
  whenStored(callback: () => void): void;
}
