import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StdinSource } from '../protocol/messages.ts';

/** A descriptor for a program's standard input, and how it is given back after the spawn. */
export interface OpenedStdin {
  source: number | 'pipe';
  close(): void;
}

const nothing = openSync('/dev/null', 'r');

/**
 * Text goes through an unlinked file in the run directory: the program can read it at any pace and
 * nobody has to feed it. Throws where a file cannot be opened.
 */
export function openStdin(stdin: StdinSource, directory: string): OpenedStdin {
  if (stdin.kind === 'null') return { source: nothing, close() {} };
  if (stdin.kind === 'open') return { source: 'pipe', close() {} };
  const path = stdin.kind === 'file' ? stdin.path : join(directory, 'stdin');
  try {
    if (stdin.kind === 'text') {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(path, stdin.text, { mode: 0o600 });
    }
    const fd = openSync(path, 'r');
    return { source: fd, close: () => closeSync(fd) };
  } finally {
    if (stdin.kind === 'text') rmSync(path, { force: true });
  }
}
