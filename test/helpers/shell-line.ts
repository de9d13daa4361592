import { spawn } from 'node:child_process';
import { BIN } from './command-line.ts';
import { compileCache } from './compiled-once.ts';

/** What a line of bash did, in which `runwire` is the command line. */
export function shellLine(
  line: string,
  variables: Record<string, string>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const script = `runwire() { ${process.execPath} ${BIN} "$@"; }\n${line}`;
  const child = spawn('bash', ['-c', script], {
    env: { PATH: process.env.PATH, ...compileCache(), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    stdout += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part) => {
    stderr += part;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}
