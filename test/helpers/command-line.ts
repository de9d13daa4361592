import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compileCache } from './compiled-once.ts';

export const BIN = fileURLToPath(new URL('../../bin/runwire.js', import.meta.url));

export interface Started {
  child: ChildProcess;
  /** What it printed so far. */
  stdout(): Buffer;
  stderr(): string;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string | null>;
}

/** The command line as a process of its own. `stdin`: what is piped to it; else it has /dev/null. `cwd`: where it works. */
export function runwire(
  words: readonly string[],
  variables: Record<string, string>,
  stdin?: string | Buffer,
  cwd?: string,
): Started {
  const child = spawn(process.execPath, [BIN, ...words], {
    env: { PATH: process.env.PATH, ...compileCache(), ...variables },
    ...(cwd !== undefined && { cwd }),
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on('data', (part) => parts.stdout.push(part));
  child.stderr?.on('data', (part) => parts.stderr.push(part));
  child.stdin?.on('error', () => {});
  child.stdin?.end(stdin);
  return {
    child,
    stdout: () => Buffer.concat(parts.stdout),
    stderr: () => Buffer.concat(parts.stderr).toString(),
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal))),
  };
}
