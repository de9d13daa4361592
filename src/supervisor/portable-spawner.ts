import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

import { pipeInput } from './pipes.ts';
import {
  type OutputSource,
  type ProgramExit,
  type ProgramSpec,
  SpawnError,
  type Spawner,
  type Started,
} from './spawner.ts';

/**
 * The spawner for machines where koffi has no prebuilt binary. Slower, and orphans are found only by
 * session and environment; the rest behaves the same.
 */
export function portableSpawner(): Spawner {
  return {
    name: 'portable',
    signalProcess: (pid, signal) => void tryKill(pid, signal),
    async spawn(spec: ProgramSpec): Promise<Started> {
      const child = spawn(spec.program, spec.argv.slice(1), {
        argv0: spec.argv[0],
        cwd: spec.workingDirectory,
        env: Object.fromEntries(spec.environment.map(splitPair)),
        detached: true,
        stdio: [spec.stdin, 'pipe', 'pipe'],
      });
      const exited = Promise.withResolvers<ProgramExit>();
      child.on('exit', (code, signal) => exited.resolve({ code, signal, usage: null }));
      const failed = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
        child.on('spawn', () => resolve(null));
        child.on('error', resolve);
      });
      const { pid, stdout, stderr } = child;
      if (failed || pid === undefined || !stdout || !stderr)
        throw new SpawnError(
          failed?.code ?? 'EUNKNOWN',
          failed?.message ?? 'the program could not be spawned',
        );
      return {
        pid,
        stdout: streamSource(stdout),
        stderr: streamSource(stderr),
        stdin: child.stdin ? pipeInput(child.stdin) : null,
        mark: null,
        signalGroup: (signal) => tryKill(-pid, signal),
        onExit: (callback) => void exited.promise.then(callback),
      };
    },
  };
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function tryKill(pid: number, signal: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function streamSource(stream: Readable): OutputSource {
  let ended = false;
  stream.once('close', () => {
    ended = true;
  });
  return {
    drain(onChunk) {
      for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) onChunk(chunk);
      return ended || stream.readableEnded;
    },
    follow(onChunk, onEnd) {
      if (ended) return onEnd();
      stream.on('data', onChunk);
      stream.once('close', onEnd);
    },
    close: () => void stream.destroy(),
  };
}
