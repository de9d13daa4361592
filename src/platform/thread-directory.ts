/** A thread's own current directory (Linux, CLONE_FS). */
const CLONE_FS = 0x200;

let change: ((fd: number) => number) | null = null;
let current = -1;

/**
 * From here on this thread, and no other of the process, has a current directory of its own: names in an open directory are then
 * found without the way through /proc, in half of the time. For threads that do nothing else. False where it cannot be had.
 */
export async function takeOwnDirectory(): Promise<boolean> {
  try {
    const { default: koffi } = await import('koffi');
    const libc = koffi.load(null);
    if (libc.func('int unshare(int flags)')(CLONE_FS) !== 0) return false;
    change = libc.func('int fchdir(int fd)');
    return true;
  } catch {
    return false; // koffi has no binary for this machine, or it is no Linux
  }
}

/** Relative names are in this open directory until the next call. False: they are not, go another way. */
export function enterDirectory(fd: number): boolean {
  if (change === null) return false;
  if (current === fd) return true;
  if (change(fd) !== 0) return false;
  current = fd;
  return true;
}

/** It is closed: another one may get its number. */
export function leaveDirectory(fd: number): void {
  if (current === fd) current = -1;
}
