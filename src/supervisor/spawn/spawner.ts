import type { Socket } from 'node:net';
import type { Usage } from '../../documents/outcome.ts';
import type { TerminalSize } from '../../documents/terminal.ts';
import type { Found, ProcessFinder } from '../find/finder.ts';

/** What to start. `program` is a path; its words are `argv`, argv[0] included. */
export interface ProgramSpec {
  program: string;
  argv: string[];
  /** NAME=value */
  environment: string[];
  workingDirectory: string;
  /** Number that all processes of the run carry, where the spawner can mark them. */
  mark: bigint;
  /** An open descriptor to read from, or 'pipe' to be fed later. */
  stdin: number | 'pipe';
  /** All its descriptors are one terminal of this size, its controlling one; `stdin` is not looked at then. */
  terminal?: TerminalSize | undefined;
}

export interface ProgramExit {
  code: number | null;
  signal: string | null;
  usage: Usage | null;
}

/** Nobody reaped it. */
export const UNKNOWN_EXIT: ProgramExit = { code: null, signal: null, usage: null };

/** One of a program's output streams. */
export interface OutputSource {
  /** Hand over what is there now. True at the end of the stream, false when more may come. */
  drain(onChunk: (chunk: Buffer) => void): boolean;
  /** Hand over what comes from now on, then call onEnd. */
  follow(onChunk: (chunk: Buffer) => void, onEnd: () => void): void;
  close(): void;
}

/** The feeding end of a program's standard input. */
export interface InputSink {
  /** Resolves when the bytes are taken; rejects when the program has closed its end. */
  write(bytes: Buffer): Promise<void>;
  end(): void;
  close(): void;
}

/** A started program: leader of a session and process group of its own, pgid = pid. */
export interface StartedProgram {
  pid: number;
  stdout: OutputSource;
  stderr: OutputSource;
  stdin: InputSink | null;
  /** What it reads and writes is one. Null: it has none. */
  terminal: { resize(size: TerminalSize): void } | null;
  /** How its processes are told from others; null where only the environment tells. */
  mark: bigint | null;
  /** Send a signal to the whole group; false when nobody is left in it. Not to be used once the group was empty. */
  signalGroup(signal: number): boolean;
  /** Called once, when the leader has been reaped. Never before `spawn` has returned. */
  onExit(callback: (exit: ProgramExit) => void): void;
}

/** Starts programs. Throws SpawnError when a program cannot be started. */
export interface Spawner {
  readonly name: 'posix' | 'portable';
  /** Finds the processes of the programs it started. */
  readonly finder: ProcessFinder;
  spawn(spec: ProgramSpec): Promise<StartedProgram> | StartedProgram;
  /** Send a signal to this very process, or to none. */
  signal(process: Found, signal: number): void;
  /** The process at the other end of a connection; null where that cannot be told. */
  peerOf(socket: Socket): number | null;
}

/** The program cannot be run as it was asked for; the message says why in words for people. */
export class LimitRefused extends Error {}

/** The same of a terminal. */
export class TerminalRefused extends Error {}

/** The same of what it was to read. */
export class StdinRefused extends Error {}

export class SpawnError extends Error {
  /** errno name, e.g. ENOENT */
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'SpawnError';
    this.code = code;
  }
}
