import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf } from '../../platform/error-words.ts';
import { SpawnError } from './spawner.ts';

/**
 * The file a command names, as execvp(3) finds it, but in the PATH of the run: a name with a slash is
 * relative to the working directory, another one is looked up. Throws SpawnError ENOENT or EACCES.
 */
export function resolveProgram(name: string, environment: string[], workingDirectory: string): string {
  if (name.includes('/')) return resolve(workingDirectory, name);
  const path =
    environment.findLast((pair) => pair.startsWith('PATH='))?.slice(5) ?? '/usr/local/bin:/usr/bin:/bin';
  let denied = false;
  for (const directory of path.split(':')) {
    const candidate = resolve(workingDirectory, directory, name);
    try {
      if (!statSync(candidate, { throwIfNoEntry: false })?.isFile()) continue;
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch (error) {
      denied ||= codeOf(error) === 'EACCES';
    }
  }
  throw denied
    ? new SpawnError('EACCES', 'permission denied')
    : new SpawnError('ENOENT', 'not found in PATH');
}

const HEAD_BYTES = 256;

/**
 * What execve(2) would say of a file, for a program that something else executes: prlimit(1) says it only
 * on stderr, and execvp(3) hands a text without an interpreter to a shell. Throws SpawnError.
 */
export function checkExecutable(program: string): void {
  const stat = statSync(program, { throwIfNoEntry: false });
  if (!stat) throw new SpawnError('ENOENT', 'no such file');
  if (!stat.isFile() || !isExecutable(program)) throw new SpawnError('EACCES', 'permission denied');
  const head = firstBytes(program);
  if (head === null) return; // executable and not readable: only the kernel can tell
  const interpreter = interpreterOf(head);
  if (interpreter !== null && !statSync(interpreter, { throwIfNoEntry: false }))
    throw new SpawnError('ENOENT', 'its interpreter does not exist');
  if (interpreter === null && !head.includes(0)) throw new SpawnError('ENOEXEC', 'not a program');
}

/** The interpreter that the first line of a script names, or null. */
export function interpreterOf(head: Buffer): string | null {
  return /^#![ \t]*([^ \t\n\0]+)/.exec(head.toString('latin1'))?.[1] ?? null;
}

/** The beginning of a file, or null when it cannot be read. */
export function firstBytes(path: string): Buffer | null {
  try {
    const fd = openSync(path, 'r');
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
