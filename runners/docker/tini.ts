import { readFileSync, statSync } from 'node:fs';

const MOST = 4096;
const LINE = /^\[FATAL tini \(\d+\)\] exec [^\n]* failed: ([^\n]+)\n$/;

/**
 * With `init` the daemon starts its own first process (tini), and a program that cannot be executed is that
 * process's complaint, exit code 127 or 126. When it is all that was written, these are its words; else null.
 * A program that writes the very same says of itself that it never began.
 */
export function initComplaint(
  init: boolean,
  exitCode: number | null,
  seen: { stdout: number; stderr: number },
  stderrPath: string,
): string | null {
  if (!init || (exitCode !== 127 && exitCode !== 126) || seen.stdout > 0) return null;
  if (seen.stderr === 0 || seen.stderr > MOST || statSync(stderrPath).size !== seen.stderr) return null;
  return LINE.exec(readFileSync(stderrPath, 'utf8'))?.[1] ?? null;
}
