import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { codeOf } from '../../platform/error-words.ts';
import { endingRealtimeSignal, startTimeOf } from '../find/proc.ts';
import { ProcessSearch } from '../find/search.ts';
import { checkExecutable } from './command.ts';
import { findPrlimit } from './limits.ts';
import { programScoring } from './oom-score.ts';
import { pipeInput } from './pipes.ts';
import {
  type OutputSource,
  type ProgramExit,
  type ProgramSpec,
  SpawnError,
  type Spawner,
  type StartedProgram,
  TerminalRefused,
} from './spawner.ts';

/** child_process knows none, and a program between (script(1)) would be another one to lose bytes and signals. */
const NO_TERMINAL =
  'options.terminal cannot be given: this server starts programs by child_process (RUNWIRE_SPAWN=portable, or koffi has no binary for it)';

/**
 * The spawner for machines where koffi has no prebuilt binary. Slower; where there is no prlimit(1) either,
 * a run's processes are found only by session and environment; usage is not counted; and output goes through
 * sockets.
 */
export function portableSpawner(): Spawner {
  const prlimit = findPrlimit();
  const withProgramScore = programScoring();
  return {
    name: 'portable',
    finder: new ProcessSearch(),
    signal: ({ pid, startTime }, signal) => void (startTimeOf(pid) === startTime && tryKill(pid, signal)),
    peerOf: () => null,
    async spawn(spec: ProgramSpec): Promise<StartedProgram> {
      if (spec.terminal) throw new TerminalRefused(NO_TERMINAL);
      checkExecutable(spec.program); // libuv hands a text without interpreter to a shell
      const { program, argv } = prlimit ? marked(prlimit, spec) : spec;
      const child = withProgramScore(
        () =>
          spawn(program, argv.slice(1), {
            argv0: argv[0],
            cwd: spec.workingDirectory,
            env: Object.fromEntries(spec.environment.map(splitPair)),
            detached: true,
            stdio: [spec.stdin, 'pipe', 'pipe'],
          }),
        ({ pid }) => pid,
      );
      const { pid, stdout, stderr } = child;
      const sources = { stdout: streamSource(stdout), stderr: streamSource(stderr) };
      const exited = Promise.withResolvers<ProgramExit>();
      const realtime = pid === undefined ? () => null : watchForRealtimeSignal(pid, [stdout, stderr]);
      child.on('exit', (code, signal) => exited.resolve(exitOf(code, signal, realtime())));
      const failed = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
        child.on('spawn', () => resolve(null));
        child.on('error', resolve);
      });
      if (failed || pid === undefined)
        throw new SpawnError(
          failed?.code ?? 'EUNKNOWN',
          failed?.message ?? 'the program could not be spawned',
        );
      return {
        pid,
        ...sources,
        stdin: child.stdin ? pipeInput(child.stdin) : null,
        terminal: null,
        mark: prlimit ? spec.mark : null,
        signalGroup: (signal) => tryKill(-pid, signal),
        onExit: (callback) => void exited.promise.then(callback),
      };
    },
  };
}

/** The program under the mark of its run, a soft limit that is never reached: see posix.ts, setMark. */
function marked(prlimit: string, { program, argv, mark }: ProgramSpec): { program: string; argv: string[] } {
  return { program: prlimit, argv: ['prlimit', `--rttime=${mark}:`, '--', program, ...argv.slice(1)] };
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/**
 * child_process calls an end by a real-time signal exit code 0. The kernel tells them apart until the program is
 * reaped, and libuv mostly hands out the end of its output before that: not of a program that had closed its
 * output or whose output others hold, nor always when another program ends in the same moment.
 */
function watchForRealtimeSignal(pid: number, streams: (Readable | null)[]): () => number | null {
  let signal: number | null = null;
  const look = (): void => {
    signal ??= endingRealtimeSignal(pid);
  };
  for (const stream of streams) stream?.once('end', look);
  return () => signal;
}

function exitOf(code: number | null, signal: string | null, realtime: number | null): ProgramExit {
  const unnamed = code === 0 && signal === null && realtime !== null;
  return unnamed ? { code: null, signal: `SIG${realtime}`, usage: null } : { code, signal, usage: null };
}

function tryKill(pid: number, signal: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Reads from the beginning: what nobody reads when the program exits, child_process throws away. */
function streamSource(stream: Readable | null): OutputSource {
  let ended = stream === null;
  let onEnded = (): void => {};
  let held: Buffer[] = [];
  let take = (chunk: Buffer): void => void held.push(chunk);
  stream?.on('data', (chunk: Buffer) => take(chunk));
  stream?.once('close', () => {
    ended = true;
    onEnded();
  });
  const drain = (onChunk: (chunk: Buffer) => void): boolean => {
    for (const chunk of held) onChunk(chunk);
    held = [];
    return ended;
  };
  return {
    drain,
    follow(onChunk, onEnd) {
      take = onChunk;
      onEnded = onEnd;
      if (drain(onChunk)) onEnd();
    },
    close: () => void stream?.destroy(),
  };
}
