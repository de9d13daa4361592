import { closeSync, constants, openSync } from 'node:fs';

const LOCK_EX = 2;
const LOCK_NB = 4;
const TRIES_EVERY_MS = 50;

/** Let go by its caller, or by the end of the process, however it ends. */
export type DirectoryLock = () => void;

/**
 * A directory is held by one at a time: with flock(2), which belongs to what this process has opened. Locks of fcntl, as SQLite takes
 * them, belong to a process and a file: they are gone as soon as the process closes that file under any of its names.
 * Waits up to `patienceMs` for who holds it. Null: somebody else does. Where flock cannot be had (no binary of koffi, a file
 * system that has none) nothing is held, and nobody is turned away.
 */
export async function lockDirectory(path: string, patienceMs: number): Promise<DirectoryLock | null> {
  const take = await flock();
  if (take === null) return () => {};
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const until = performance.now() + patienceMs;
  while (take(fd) === 'held') {
    if (performance.now() >= until) {
      closeSync(fd);
      return null;
    }
    await new Promise((resolve) => setTimeout(resolve, TRIES_EVERY_MS));
  }
  return () => closeSync(fd);
}

/** Tries once. */
async function flock(): Promise<((fd: number) => 'taken' | 'held' | 'impossible') | null> {
  try {
    const { default: koffi } = await import('koffi');
    const call = koffi.load(null).func('int flock(int fd, int operation)');
    return (fd) => {
      if (call(fd, LOCK_EX | LOCK_NB) === 0) return 'taken';
      return koffi.errno() === koffi.os.errno.EWOULDBLOCK ? 'held' : 'impossible';
    };
  } catch {
    return null; // koffi has no binary for this machine
  }
}
