import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { BIN } from './command-line.ts';
import { compileCache } from './compiled-once.ts';
import { screenOf } from './screen.ts';

export interface Terminal {
  child: ChildProcess;
  /** All bytes that came to the terminal. */
  bytes(): string;
  /** Its lines, as a person sees them now. */
  screen(): string[];
  /** Keys are pressed. */
  type(keys: string): void;
  ended: Promise<number | null>;
}

interface Size {
  columns?: number;
  rows?: number;
}

/**
 * A line of the shell on a real pseudo-terminal (`script` of util-linux), where `runwire` is the command line. To be used in suites
 * that say `requires('script')`.
 */
export function terminal(
  line: string,
  variables: Record<string, string>,
  { columns = 80, rows = 24 }: Size = {},
): Terminal {
  const script = `stty rows ${rows} cols ${columns}; runwire() { ${process.execPath} ${BIN} "$@"; }; ${line}`;
  const child = spawn('script', ['-qefc', script, '/dev/null'], {
    env: {
      ...{ PATH: process.env.PATH, SHELL: '/bin/bash', TERM: 'xterm-256color', LANG: 'C.UTF-8' },
      ...compileCache(),
      ...variables,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL')); // its terminal closes
  let bytes = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    bytes += part;
  });
  child.stderr.resume();
  child.stdin.on('error', () => {});
  return {
    child,
    bytes: () => bytes,
    screen: () => screenOf(bytes, columns, rows),
    type: (keys) => child.stdin.write(keys),
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}
