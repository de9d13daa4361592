import type { CaptureFacts, Kill, StreamFacts, Timings, Usage } from '../../documents/outcome.ts';
import type { SetupStep } from '../../documents/setup.ts';
import type { TerminalSize } from '../../documents/terminal.ts';

/**
 * What the server and the supervisor say to each other over a Unix socket: one JSON object a line.
 * Bytes of output never travel here: the supervisor writes them to the run directory and tells how
 * far the journal has grown.
 *
 * A server of one version sees the runs of a supervisor of any other version to their end, and gives new runs to one
 * of its own. So what is here keeps its meaning in all versions: messages and fields are added, none is changed,
 * and who does not know one passes it over. A version that cannot keep to that takes another name for its socket.
 */
export const PROTOCOL_VERSION = 6;

/** The last version whose servers have no key to show. */
export const LAST_WITHOUT_KEY = 3;
/** In the data directory: who knows it is a server, or may do all that one may. */
export const KEY_FILE = 'supervisor.key';

export type StdinSource =
  | { kind: 'null' }
  | { kind: 'text'; text: string }
  /** `dev` and `ino`, decimal: the file that is meant; another is refused. Earlier releases do not look. */
  | { kind: 'file'; path: string; dev?: string; ino?: string }
  | { kind: 'open' };

export interface ProcessLimits {
  cpu_seconds?: number | undefined;
  memory_bytes?: number | undefined;
  processes?: number | undefined;
  open_files?: number | undefined;
  file_size_bytes?: number | undefined;
}

/** How long a run may take, from its start, and its grace then. Of use while no server is there, which sees to it itself. */
export interface TimeLimit {
  ms: number;
  grace_ms: number;
}

/** Programs that run before the command, one after the other, each when the one before ended with 0. */
export interface SetupRequest {
  commands: string[][];
  /** For all of them together, from the start of the first. That of the run counts from the start of its command then. */
  time_limit: TimeLimit;
  /** There is no command, and what these leave running stays until `end`. */
  session?: boolean | undefined;
}

/** Start a program. `directory` exists; captures and journal are made in it. */
export interface SpawnRequest {
  op: 'spawn';
  run: string;
  command: string[];
  /** NAME=value */
  environment: string[];
  working_directory: string;
  directory: string;
  first_seq: number;
  max_output_bytes: number;
  stdin: StdinSource;
  limits?: ProcessLimits | undefined;
  /** Earlier releases neither say it nor look. */
  time_limit?: TimeLimit | undefined;
  /** Versions up to 4 know of none: as all runs, one with a setup goes to a supervisor of the server's own version. */
  setup?: SetupRequest | undefined;
  /** The command, not its setup, has a terminal of this size; `stdin` is not looked at. Versions up to 5 know of none. */
  terminal?: TerminalSize | undefined;
}

export type ToSupervisor =
  /** `key`: what lies in the data directory for servers alone. Versions up to 3 know of none. */
  | { op: 'hello'; version: number; key?: string }
  | SpawnRequest
  /**
   * Adopt a run that was handed over earlier, to this supervisor or to one that is dead. Answered by
   * `started` and `grew` while it lives, else by `exit`, `failed`, `lost` or `absent`. `rebooted`: the machine
   * restarted since, so that no process of it lives.
   */
  | {
      op: 'adopt';
      run: string;
      directory: string;
      first_seq: number;
      started_at: number;
      rebooted?: boolean | undefined;
      /** As in `spawn`, from `started_at` on: for a program that was started by a server that did not say. */
      time_limit?: TimeLimit | undefined;
      /** It has a setup: of that too it is told what was captured. */
      setup?: boolean | undefined;
    }
  | { op: 'stdin'; run: string; n: number; base64?: string; eof?: boolean }
  /** Of a run with a terminal: its size from now on. Versions up to 5 know of none. */
  | ({ op: 'resize'; run: string; n: number } & TerminalSize)
  | { op: 'signal'; run: string; n: number; signal: string }
  /** SIGTERM to the group, SIGKILL after the grace (0: at once), then everything the run started. */
  | { op: 'stop'; run: string; grace_ms: number }
  /** What the setups left that had these directories ends: those of a session. Answered by `reply` when nothing is left. */
  | { op: 'end'; n: number; directories: string[] }
  /** The result is stored: the supervisor may forget the run. */
  | { op: 'forget'; run: string }
  /** Stop every program and exit. */
  | { op: 'quit' };

/** What became of a setup: of those commands that were begun. */
export interface SetupFacts {
  steps: SetupStep[];
  /** All ended with 0, and nobody had it stopped. */
  done: boolean;
  ms: number;
  stdout: StreamFacts;
  stderr: StreamFacts;
}

/** Facts of a program that has ended; also the last line of its journal. */
export interface ExitFacts {
  pid: number | null;
  /** Exactly one of code and signal, or neither when the process could not be reaped. */
  code: number | null;
  signal: string | null;
  stdout: StreamFacts;
  stderr: StreamFacts;
  next_seq: number;
  usage: Usage | null;
  kill: Kill | null;
  timings: Timings;
  /** A failure of the capture itself, e.g. a full disk, in words. */
  capture_error: string | null;
  /** The supervisor ended it, since its time was over and no server was there. Earlier releases do not tell. */
  timed_out?: boolean;
  /** Of a run that had one. Where it is not done there was no command: pid, code and signal are null, and the time that was over is its own. */
  setup?: SetupFacts;
  /** After the setup the command could not be started. */
  failure?: SpawnFailure;
}

export type Captures = CaptureFacts;

/** The program could not be started; also the last line of its journal. `code` is an errno name. */
export interface SpawnFailure {
  code: string;
  message: string;
  /** It cannot be run as it was asked for; `message` says why in words for people. */
  refused?: boolean;
  /** It is not the program that cannot be: a file of the run could not be made, say. Earlier releases do not tell. */
  blameless?: boolean;
}

/** A line of the journal of a program that no mark tells from others: how a later supervisor finds it. */
export interface StartedFacts {
  pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  start_time: number;
}

export type FromSupervisor =
  /** `runs`: those it has, with programs that live or whose end was not told. Version 2 does not say. */
  | { op: 'welcome'; version: number; pid: number; spawn: string; runs?: string[] }
  | { op: 'started'; run: string; pid: number }
  /** Of a run with a setup: its command began so long ago. */
  | { op: 'began'; run: string; ms_ago: number }
  | { op: 'failed'; run: string; failure: SpawnFailure; captures: Captures | null; next_seq: number }
  | { op: 'grew'; run: string; end: number }
  | { op: 'active'; run: string }
  | { op: 'exit'; run: string; facts: ExitFacts; end: number }
  /** The supervisor that had the program died: what the program left was ended, the captures are as they were found. */
  | {
      op: 'lost';
      run: string;
      captures: Captures;
      end: number;
      next_seq: number;
      kill: Kill;
      /** Commands of its setup that had ended. */
      steps?: SetupStep[];
    }
  /** No supervisor ever began with this run. */
  | { op: 'absent'; run: string }
  /** Its files cannot be read, so that nothing is known of it. */
  | { op: 'unreadable'; run: string; message: string }
  | { op: 'reply'; n: number; error: string | null };
