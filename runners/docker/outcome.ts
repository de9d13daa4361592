import { constants } from 'node:os';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { FailureReason } from '../../src/documents/failure.ts';
import type { Kill, Timings, Usage } from '../../src/documents/outcome.ts';
import type { Ending } from './attendance.ts';

/** What was seen of a container that had started. */
export interface SeenRun {
  ending: Ending;
  command: readonly string[];
  memoryLimit: number | null;
  /** Why output was not kept. */
  captureFailure: Error | null;
  /** What the first process said when it could not start the program: tini.ts. */
  notStarted: string | null;
  signals: readonly string[];
  usage: Usage | null;
  timings: Timings;
  metadata: Record<string, string>;
}

export const ABORTED_BEFORE = 'aborted before the container was started';

/** Facts of a container that never started, or of none. */
export function neverStarted(
  why: string,
  metadata: Record<string, string> = {},
  failure?: FailureReason,
): RunnerOutcome {
  return {
    failure,
    ended: 'never_started',
    started: false,
    retrySafe: true,
    exitCode: null,
    errorSummary: why,
    metadata,
  };
}

/** A container whose program cannot be executed, in the words of who tried. */
export function notAProgram(
  program: string | undefined,
  words: string,
  metadata: Record<string, string>,
): RunnerOutcome {
  const failure = /executable file not found|exec: .*no such file|^no such file/i.test(words)
    ? ('program_not_found' as const)
    : /exec: .*permission denied|^permission denied|exec format error|exec: .*is a directory/i.test(words)
      ? ('program_not_executable' as const)
      : undefined;
  return neverStarted(`could not start ${JSON.stringify(program ?? '')}: ${words}`, metadata, failure);
}

export function outcomeOf(seen: SeenRun): RunnerOutcome {
  const { ending, command, notStarted, usage, timings, signals } = seen;
  const metadata = { ...seen.metadata, ...(ending.oomKilled ? { 'docker.oom_killed': 'true' } : {}) };
  if (ending.neverBegan)
    return neverStarted('the Docker engine went away before the container was started', metadata);
  if (notStarted !== null) return notAProgram(command[0], notStarted, metadata);
  const kill: Kill | null =
    signals.length === 0 ? null : { signals: [...signals], survivors: ending.lost === null ? 0 : 1 };
  const oom = ending.oomKilled && ending.exitCode !== 0;
  return {
    ended: ending.lost !== null ? 'lost' : oom ? 'signaled' : 'exited',
    started: true,
    retrySafe: false,
    exitCode: ending.exitCode,
    signal: oom ? 'SIGKILL' : null,
    success: ending.exitCode === 0 && seen.captureFailure === null,
    failure: ending.exitCode === 0 && ending.lost === null ? 'output_lost' : undefined,
    errorSummary: summary(seen, oom),
    metadata,
    usage,
    kill,
    timings,
  };
}

function summary({ ending, captureFailure, memoryLimit }: SeenRun, oom: boolean): string | null {
  const parts: string[] = [];
  if (captureFailure !== null) parts.push(`output could not be captured: ${captureFailure.message}`);
  if (ending.lost !== null) parts.push(ending.lost);
  else if (oom)
    parts.push(`killed: out of memory${memoryLimit === null ? '' : ` (limit ${memoryLimit} bytes)`}`);
  else if (ending.exitCode !== null && ending.exitCode !== 0) parts.push(exitWords(ending.exitCode));
  if (ending.daemonError !== '') parts.push(ending.daemonError);
  if (ending.daemonRestarts > 0 && ending.exitCode !== 0)
    parts.push('the Docker engine was restarted while the container ran');
  return parts.length === 0 ? null : parts.join('; ');
}

/** 128 + N is how a first process tells that signal N ended the program. */
function exitWords(code: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return `exited with code ${code}${signal === undefined ? '' : ` (as after ${signal})`}`;
}
