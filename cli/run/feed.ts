import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { ConflictError, type Run } from '../../client/runwire.ts';

/** Our standard input has something that was meant: a pipe or a file, and no terminal and no /dev/null. */
export function isFed(): boolean {
  try {
    const kind = fstatSync(0);
    return !isatty(0) && (kind.isFIFO() || kind.isSocket() || kind.isFile());
  } catch {
    return false; // it is closed
  }
}

/** Our standard input to that of a run, until ours ends or it takes no more; `strict`: that is an error. */
export async function feed(run: Run, { keepOpen = false, strict = false } = {}): Promise<void> {
  try {
    await run.writeStdin(process.stdin);
    if (!keepOpen) await run.closeStdin();
  } catch (error) {
    const { code } = error as ConflictError;
    const isOver = error instanceof ConflictError && (code === 'stdin_closed' || code === 'not_running');
    if (strict || !isOver) throw error;
  } finally {
    process.stdin.destroy(); // who writes to us learns it
  }
}
