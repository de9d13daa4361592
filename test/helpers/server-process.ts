import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compileCache } from './compiled-once.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ServerProcess {
  child: ChildProcess;
  /** http://127.0.0.1:PORT */
  address: string;
  /** All it printed so far. */
  output(): string;
  /** Send a signal and wait for the end. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** A real server process on a free loopback port. Rejects with what it printed when it does not start. */
export async function startServer(
  dataDir: string,
  variables: Record<string, string> = {},
  through: readonly string[] = [],
  file = 'src/server.ts',
): Promise<ServerProcess> {
  const { listening, ...starting } = launchServer(dataDir, variables, through, file);
  return { ...starting, address: await listening };
}

/** The same before it listens: it may be killed while it starts. `through`: a command that executes it. */
export function launchServer(
  dataDir: string,
  variables: Record<string, string> = {},
  through: readonly string[] = [],
  file = 'src/server.ts',
): Omit<ServerProcess, 'address'> & { listening: Promise<string> } {
  const [program = '', ...words] = [...through, process.execPath, file];
  const child = spawn(program, words, {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...compileCache(),
      RUNWIRE_PORT: '0',
      RUNWIRE_DATA_DIR: dataDir,
      RUNWIRE_MIN_FREE_DISK_BYTES: '0',
      // A test leaves nothing behind.
      RUNWIRE_ON_EXIT: 'cancel',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const listening = new Promise<string>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      output += chunk;
      // It counts as one of the test: fail-on-warnings.ts.
      if (/^\(node:\d+\) /m.test(String(chunk))) process.emitWarning(`the server warned: ${chunk}`);
      const found = /listens on (http:\S+)/.exec(output)?.[1];
      if (found) resolve(found);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('close', () => reject(new Error(output)));
  });
  return {
    child,
    listening,
    output: () => output,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}
