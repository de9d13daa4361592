import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { setupFailed } from '../../src/contract/setup-outcome.ts';
import type { FailureReason } from '../../src/documents/failure.ts';
import type { Kill, Usage } from '../../src/documents/outcome.ts';
import type { SetupStep } from '../../src/documents/setup.ts';
import type { JournalFrame } from './keeper/frames.ts';
import { signalName } from './keeper/signals.ts';
import { neverStarted } from './outcome.ts';
import type { ProgramEnd } from './program-end.ts';

/** Error numbers of Linux that say something of the program: name, words, and what it makes of the run. */
const ERRORS: Readonly<Record<number, [string, string, FailureReason | undefined]>> = {
  1: ['EPERM', 'operation not permitted', 'program_not_executable'],
  2: ['ENOENT', 'no such file or directory', 'program_not_found'],
  7: ['E2BIG', 'argument list too long', 'arguments_too_long'],
  8: ['ENOEXEC', 'exec format error', 'program_not_executable'],
  11: ['EAGAIN', 'no more processes', 'shortage'],
  12: ['ENOMEM', 'out of memory', 'shortage'],
  13: ['EACCES', 'permission denied', 'program_not_executable'],
  20: ['ENOTDIR', 'not a directory', 'program_not_found'],
  21: ['EISDIR', 'is a directory', 'program_not_executable'],
  23: ['ENFILE', 'too many open files', 'shortage'],
  25: ['ENOTTY', 'the container has no terminal to give', undefined],
  24: ['EMFILE', 'too many open files', 'shortage'],
  28: ['ENOSPC', 'no space left on device', 'shortage'],
  36: ['ENAMETOOLONG', 'file name too long', 'program_not_found'],
  40: ['ELOOP', 'too many symbolic links', 'program_not_found'],
  80: ['ELIBBAD', 'accessing a corrupted shared library', 'program_not_executable'],
};

type ExitedFrame = Extract<JournalFrame, { type: 'exited' }>;

/** What is known beside how the command ended. */
export interface KeptFacts {
  argv: readonly string[];
  metadata: Record<string, string>;
  /** Memory ran out in its time. */
  outOfMemory: boolean;
  memoryLimit: number | null;
  /** Bytes of output that the engine's disk did not take. */
  lostBytes: number;
  timings: { spawn_ms?: number; setup_ms?: number; first_byte_ms?: number };
  /** Absent: it had no setup. */
  setup?: SetupStep[] | undefined;
  /** The container was ended because nothing else did. */
  stuck: boolean;
  /** Something of the run was begun before its command. */
  begun: boolean;
}

export function keptOutcome(end: ProgramEnd, facts: KeptFacts): RunnerOutcome {
  const { metadata, timings, argv } = facts;
  const setup = facts.setup === undefined ? {} : { setup: facts.setup };
  const begun = { started: facts.begun, retrySafe: !facts.begun };
  if (end.how === 'never') return { ...neverStarted(end.words, metadata), ...begun, timings, ...setup };
  if (end.how === 'not_started') {
    const [, , failure] = ERRORS[end.errno] ?? [];
    const words = `could not start ${JSON.stringify(argv[0] ?? '')}: ${errnoWords(end.errno)}`;
    return { ...neverStarted(words, metadata, failure), ...begun, timings, ...setup };
  }
  if (end.how === 'lost')
    return {
      ...{ ended: 'lost', started: true, retrySafe: false, exitCode: null, metadata, timings, ...setup },
      kill: facts.stuck ? STUCK : null,
      errorSummary: facts.stuck ? 'it could not be stopped, and its container was killed' : end.words,
    };
  const { exited } = end;
  const signal = exited.signal === null ? null : signalName(exited.signal);
  const oom = facts.outOfMemory && exited.exitCode !== 0;
  const whole = facts.lostBytes === 0;
  return {
    ended: signal === null ? 'exited' : 'signaled',
    started: true,
    retrySafe: false,
    exitCode: exited.signal === null ? exited.exitCode : -exited.signal,
    signal,
    success: exited.exitCode === 0 && whole,
    failure:
      exited.exitCode === 0
        ? 'output_lost'
        : exited.exitCode === null && signal === null
          ? 'lost'
          : undefined,
    errorSummary: summary(exited, facts, oom),
    metadata: { ...metadata, ...(oom ? { 'docker.oom_killed': 'true' } : {}) },
    usage: usageOf(exited),
    kill: killOf(end),
    timings: { ...timings, run_ms: exited.runUs / 1000, drain_ms: exited.drainUs / 1000 },
    ...setup,
  };
}

/** One command of a setup, as its run tells it. */
export function setupStep(argv: readonly string[], end: ProgramEnd): SetupStep {
  const step = { command: [...argv], exit_code: null, signal: null, ms: 0 };
  if (end.how === 'not_started') return { ...step, error: errnoWords(end.errno) };
  if (end.how === 'never') return { ...step, error: end.words };
  if (end.how === 'lost') return step;
  const { exitCode, signal, runUs } = end.exited;
  return {
    ...step,
    exit_code: exitCode,
    signal: signal === null ? null : signalName(signal),
    ms: runUs / 1000,
  };
}

/** What a setup comes to that did not come to its end. */
export function failedSetup(
  end: ProgramEnd,
  facts: Pick<KeptFacts, 'metadata' | 'timings' | 'stuck'> & { setup: SetupStep[]; count: number },
): RunnerOutcome {
  const { setup, metadata, timings, count, stuck } = facts;
  if (end.how === 'never' && setup.length === 1)
    return { ...neverStarted(end.words, metadata), timings, setup: [] };
  const failed = { ...setupFailed(setup, count), metadata, timings };
  if (end.how === 'exited') return { ...failed, kill: killOf(end) };
  if (end.how !== 'lost') return failed;
  const words = stuck ? 'could not be stopped, and its container was killed' : `is lost: ${end.words}`;
  return {
    ...failed,
    ended: 'lost',
    kill: stuck ? STUCK : null,
    errorSummary: (failed.errorSummary ?? '').replace(/could not be ended$/, () => words),
  };
}

const STUCK: Kill = { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 };

function killOf({ killed }: Extract<ProgramEnd, { how: 'exited' }>): Kill | null {
  if (killed === null) return null;
  const { termSent, killSent, survivors } = killed;
  return { signals: [...(termSent ? ['SIGTERM'] : []), ...(killSent ? ['SIGKILL'] : [])], survivors };
}

function usageOf({ userUs, systemUs, maxRssKib }: ExitedFrame): Usage {
  return { cpu_user_ms: userUs / 1000, cpu_system_ms: systemUs / 1000, max_rss_bytes: maxRssKib * 1024 };
}

function summary(
  { exitCode, signal, storageFailed }: ExitedFrame,
  { memoryLimit, lostBytes }: KeptFacts,
  oom: boolean,
): string | null {
  const parts: string[] = [];
  if (oom) parts.push(`killed: out of memory${memoryLimit === null ? '' : ` (limit ${memoryLimit} bytes)`}`);
  else if (signal !== null) parts.push(`killed by ${signalName(signal)}`);
  else if (exitCode === null) parts.push('the program could not be ended');
  else if (exitCode !== 0) parts.push(exitWords(exitCode));
  if (lostBytes > 0) parts.push(`${lostBytes} bytes of output are lost: the engine could not store them`);
  else if (storageFailed) parts.push('the disk of the engine was full for a while');
  return parts.length === 0 ? null : parts.join('; ');
}

/** 128 + N is how a shell tells that signal N ended what it ran. */
function exitWords(code: number): string {
  const name = code > 128 && code < 160 ? ` (as after ${signalName(code - 128)})` : '';
  return `exited with code ${code}${name}`;
}

function errnoWords(errno: number): string {
  const [name, words] = ERRORS[errno] ?? [];
  return name === undefined ? `error ${errno}` : `${words} (${name})`;
}

/** A setup that is a run by itself has ended well. */
export const SET_UP = (setup: SetupStep[], timings: RunnerOutcome['timings'] = {}): RunnerOutcome => ({
  ...{ ended: 'completed', started: true, retrySafe: false, exitCode: null, success: true },
  ...{ setup, timings },
});
