import { readFileSync, statSync } from 'node:fs';

const MOST = 4096;
const LINE = /^\[FATAL tini \(\d+\)\] exec [^\n]* failed: ([^\r\n]+)\r?\n$/;

/**
 * With `init` the daemon starts its own first process (tini), and a program that cannot be executed is that
 * process's complaint, exit code 127 or 126. When it is all that was written, these are its words; else null.
 * A program that writes the very same says of itself that it never began.
 */
export function initComplaint(
  init: boolean,
  exitCode: number | null,
  seen: { stdout: number; stderr: number },
  { stdout, stderr }: { stdout: string; stderr: string },
  isTerminal: boolean,
): string | null {
  if (!init || (exitCode !== 127 && exitCode !== 126)) return null;
  if (!isTerminal && seen.stdout > 0) return null;
  const [said, path] = isTerminal ? [seen.stdout, stdout] : [seen.stderr, stderr];
  if (said === 0 || said > MOST || statSync(path).size !== said) return null;
  return LINE.exec(readFileSync(path, 'utf8'))?.[1] ?? null;
}
