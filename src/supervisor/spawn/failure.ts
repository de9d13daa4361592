import { statSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { codeOf, messageOf } from '../../platform/error-words.ts';
import type { SpawnFailure, SpawnRequest } from '../protocol/messages.ts';
import { firstBytes, interpreterOf } from './command.ts';
import { LimitRefused, SpawnError, StdinRefused, TerminalRefused } from './spawner.ts';

/** Why a program could not be started. ENOENT and EACCES have several causes: they are looked for now. */
export function failureOf(error: unknown, request: SpawnRequest, program: string | null): SpawnFailure {
  if ([LimitRefused, StdinRefused, TerminalRefused].some((refusal) => error instanceof refusal))
    return { code: 'REFUSED', message: messageOf(error), refused: true };
  const code = errnoOf(error);
  const message = messageOf(error);
  const shortage = SHORTAGES[code];
  if (shortage !== undefined) return { code, message: shortage };
  if (!(error instanceof SpawnError)) return { code, message, blameless: true };
  const directory = request.working_directory;
  if (!isDirectory(directory))
    return { code, message: `working directory does not exist: ${directory}`, refused: true };
  if (code === 'ENOENT' && program !== null) {
    const interpreter = interpreterOf(firstBytes(program) ?? Buffer.alloc(0));
    if (interpreter !== null) return { code, message: `its interpreter ${interpreter} does not exist` };
  }
  if (code === 'EACCES' && program !== null && isDirectory(program))
    return { code, message: 'it is a directory' };
  return { code, message: REASONS[code] ?? message };
}

/** errno names of a program that cannot be, in the words of people. */
const REASONS: Record<string, string> = {
  ENOENT: 'no such program',
  EACCES: 'not executable',
  ENOEXEC: 'not a program this machine can execute',
  E2BIG: 'command and environment are too large',
};

/** errno names of what has run out, where a program was to be started. */
const SHORTAGES: Record<string, string> = {
  EMFILE: 'too many files are open in the supervisor',
  ENFILE: 'too many files are open on this machine',
  EAGAIN: 'the system has no room for another process',
  ENOMEM: 'the system has no memory for another process',
  ENOSPC: 'the disk of the server is full',
  EDQUOT: 'the disk quota of the server is used up',
  EROFS: 'the disk of the server is read-only',
};

/** By number, where the error has no name. */
function errnoOf(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined) return code;
  const { errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? 'EUNKNOWN' : getSystemErrorName(-Math.abs(errno));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
