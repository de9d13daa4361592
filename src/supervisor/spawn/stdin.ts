import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { StdinSource } from '../protocol/messages.ts';
import { StdinRefused } from './spawner.ts';

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
    const fd = stdin.kind === 'file' ? openFile(stdin) : openSync(path, 'r');
    return { source: fd, close: () => closeSync(fd) };
  } finally {
    if (stdin.kind === 'text') rmSync(path, { force: true });
  }
}

/** The server has judged a file by its name; what has the name by now may be another, or one that is waited for. */
function openFile({ path, dev, ino }: Extract<StdinSource, { kind: 'file' }>): number {
  const looked = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let kept: number | null = null;
  try {
    const stats = fstatSync(looked, { bigint: true });
    const isMeant = dev === undefined || (String(stats.dev) === dev && String(stats.ino) === ino);
    if (!isMeant || !stats.isFile())
      throw new StdinRefused(`input_payload_path was replaced before it was opened: ${path}`);
    // Once more where that can be had, without a flag that the program would see.
    const again = `/proc/self/fd/${looked}`;
    kept = existsSync(again) ? openSync(again, 'r') : looked;
    return kept;
  } finally {
    if (kept !== looked) closeSync(looked);
  }
}
