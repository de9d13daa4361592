import type { Duplex } from 'node:stream';
import type { Stream } from '../../src/documents/stream.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';
import { frameSplitter } from './frames.ts';

const CODE_TRIES = 50;
const CODE_RETRY_MS = 20;

/** A process in a running container, beside its first. */
export interface ExecPlan {
  container: string;
  argv: readonly string[];
  /** '' is the container's. */
  user: string;
  environment?: Readonly<Record<string, string>>;
  /** Default: the container's. */
  workingDirectory?: string;
}

/** One that was started, on a connection of its own: its stdin, and what it writes. */
export interface Exec {
  id: string;
  socket: Duplex;
}

/** Two questions to the daemon; before the second it provably does not run. Throws as `ask` does; that it cannot be executed is told on its stdout, by the engine. */
export async function startExec(
  daemon: DockerDaemon,
  plan: ExecPlan,
  beforeStart: () => void = () => {},
): Promise<Exec> {
  const { container, argv, user, environment = {}, workingDirectory } = plan;
  const exec = await daemon.ask((docker) =>
    docker.getContainer(container).exec({
      Cmd: [...argv],
      ...(user === '' ? {} : { User: user }),
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...(workingDirectory === undefined ? {} : { WorkingDir: workingDirectory }),
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
    }),
  );
  beforeStart();
  const socket = await daemon.ask(() => exec.start({ hijack: true, stdin: true }));
  return { id: exec.id, socket };
}

/** Passes on what it writes as it comes; resolves when the connection is over. Throws what `take` throws. */
export function listenTo(
  { socket }: Exec,
  take: (stream: Stream, bytes: Buffer) => void,
): Promise<{ failure: Error | null }> {
  const split = frameSplitter(take);
  return new Promise((resolve) => {
    let failure: Error | null = null;
    socket.on('data', (chunk: Buffer) => {
      try {
        if (failure === null) split(chunk);
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.once('end', () => socket.destroy());
    socket.once('close', () => resolve({ failure }));
  });
}

/** With which code it ended; null: it runs, or nobody knows of it. */
export async function execCode(daemon: DockerDaemon, id: string): Promise<number | null> {
  for (let n = 0; n < CODE_TRIES; n++) {
    try {
      const { ExitCode, Running } = await daemon.ask((docker) => docker.getExec(id).inspect());
      if (!Running && ExitCode !== null) return ExitCode;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, CODE_RETRY_MS));
  }
  return null;
}

/** A process that is short and says little: its exit code and what it wrote. */
export async function runExec(
  daemon: DockerDaemon,
  plan: ExecPlan,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const exec = await startExec(daemon, plan);
  const wrote = { stdout: '', stderr: '' };
  await listenTo(exec, (stream, bytes) => {
    wrote[stream] += bytes.toString().slice(0, MOST_WORDS - wrote[stream].length);
  });
  return { code: await execCode(daemon, exec.id), ...wrote };
}

export const MOST_WORDS = 4096;
