import type { SetupStep } from '../../documents/setup.ts';
import { parseJson } from '../../platform/json-parse.ts';
import { Alien } from './lines.ts';
import type { ExitFacts, FromSupervisor, SpawnFailure, StartedFacts, ToSupervisor } from './messages.ts';
import {
  amount,
  count,
  flag,
  isObject,
  list,
  nullable,
  object,
  optional,
  type Shape,
  text,
  variants,
  whole,
} from './shape.ts';

const stdin = variants('kind', {
  null: () => true,
  text: object({ text }),
  file: object({ path: text, dev: optional(text), ino: optional(text) }),
  open: () => true,
});
const limits = object({
  cpu_seconds: optional(count),
  memory_bytes: optional(count),
  processes: optional(count),
  open_files: optional(count),
  file_size_bytes: optional(count),
});

const timeLimit = object({ ms: amount, grace_ms: amount });

/** Words of a command, of which there is one. */
const argv: Shape = (value) => list(text)(value) && (value as string[]).length > 0;
const setup = object({ commands: list(argv), time_limit: timeLimit, session: optional(flag) });

const terminal = { cols: count, rows: count };

const TO_SUPERVISOR: Readonly<Record<ToSupervisor['op'], Shape>> = {
  hello: object({ version: count, key: optional(text) }),
  spawn: object({
    run: text,
    command: list(text),
    environment: list(text),
    working_directory: text,
    directory: text,
    first_seq: count,
    max_output_bytes: count,
    stdin,
    limits: optional(limits),
    time_limit: optional(timeLimit),
    setup: optional(setup),
    terminal: optional(object(terminal)),
  }),
  adopt: object({
    run: text,
    directory: text,
    first_seq: count,
    started_at: amount,
    rebooted: optional(flag),
    time_limit: optional(timeLimit),
    setup: optional(flag),
  }),
  stdin: object({ run: text, n: count, base64: optional(text), eof: optional(flag) }),
  resize: object({ run: text, n: count, ...terminal }),
  signal: object({ run: text, n: count, signal: text }),
  stop: object({ run: text, grace_ms: amount }),
  end: object({ n: count, directories: list(text) }),
  forget: object({ run: text }),
  quit: () => true,
};

const gap = object({ offset: count, length: count, reason: text });
const stream = object({ bytes: count, kept: count, sha256: text, gap: optional(gap) });
const streams = { stdout: stream, stderr: stream };
const captures = object({ ...streams, setup: optional(object(streams)) });
const step = object({
  command: list(text),
  exit_code: nullable(whole),
  signal: nullable(text),
  ms: amount,
  error: optional(text),
});
const setupFacts = object({ ...streams, steps: list(step), done: flag, ms: amount });
const kill = object({ signals: list(text), survivors: count });
const usage = object({ cpu_user_ms: amount, cpu_system_ms: amount, max_rss_bytes: nullable(count) });
const timings = object({
  spawn_ms: optional(amount),
  first_byte_ms: optional(amount),
  setup_ms: optional(amount),
  run_ms: optional(amount),
  drain_ms: optional(amount),
});
const failure = object({ code: text, message: text, refused: optional(flag), blameless: optional(flag) });
const facts = object({
  pid: nullable(whole),
  code: nullable(whole),
  signal: nullable(text),
  stdout: stream,
  stderr: stream,
  next_seq: count,
  usage: nullable(usage),
  kill: nullable(kill),
  timings,
  capture_error: nullable(text),
  timed_out: optional(flag),
  setup: optional(setupFacts),
  failure: optional(failure),
});
const started = object({ pid: count, start_time: count });

const FROM_SUPERVISOR: Readonly<Record<FromSupervisor['op'], Shape>> = {
  welcome: object({ version: count, runs: optional(list(text)) }),
  started: object({ run: text, pid: whole }),
  began: object({ run: text, ms_ago: amount }),
  failed: object({ run: text, failure, captures: nullable(captures), next_seq: count }),
  grew: object({ run: text, end: count }),
  active: object({ run: text }),
  exit: object({ run: text, facts, end: count }),
  lost: object({ run: text, captures, end: count, next_seq: count, kill, steps: optional(list(step)) }),
  absent: object({ run: text }),
  unreadable: object({ run: text, message: text }),
  reply: object({ n: count, error: nullable(text) }),
};

/** A line of a server. Null: an op that this release does not know. Throws Alien. */
export function readToSupervisor(line: string): ToSupervisor | null {
  return read(line, TO_SUPERVISOR) as ToSupervisor | null;
}

/** A line of a supervisor. Null: an op that this release does not know. Throws Alien. */
export function readFromSupervisor(line: string): FromSupervisor | null {
  return read(line, FROM_SUPERVISOR) as FromSupervisor | null;
}

/** The words that a supervisor leaves in a journal. What is not of their shape says nothing. */
export interface LastWords {
  exit: ExitFacts;
  failed: SpawnFailure;
  started: StartedFacts;
  /** One command of its setup has ended. */
  step: SetupStep;
}
const LAST_WORDS: Readonly<Record<keyof LastWords, Shape>> = { exit: facts, failed: failure, started, step };

export function readLastWords(note: Readonly<Record<string, unknown>>): Partial<LastWords> {
  const words = Object.entries(LAST_WORDS).flatMap(([name, shape]) =>
    Object.hasOwn(note, name) && shape(note[name]) ? [[name, note[name]]] : [],
  );
  return Object.fromEntries(words) as Partial<LastWords>; // each was of its shape
}

function read(line: string, shapes: Readonly<Record<string, Shape>>): object | null {
  const message = parse(line);
  if (!isObject(message) || typeof message.op !== 'string') throw new Alien('it has no op');
  const { op } = message;
  const shape = Object.hasOwn(shapes, op) ? shapes[op] : undefined;
  if (!shape) return null;
  if (!shape(message)) throw new Alien(`a field of ${op} is missing, or is not what it should be`);
  return message;
}

function parse(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    throw new Alien('it is no JSON');
  }
}
