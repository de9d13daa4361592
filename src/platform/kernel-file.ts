import { existsSync, fstatSync, readSync, statfsSync } from 'node:fs';

/** PROC_SUPER_MAGIC of statfs(2). */
const PROC = 0x9fa0;
const HAS_PROC = existsSync('/proc/self/fd');

/** Is an open file one of /proc: what is read of it the kernel makes meanwhile, of processes too, and may wait with it. */
export function isOfProc(fd: number): boolean {
  return HAS_PROC && statfsSync(`/proc/self/fd/${fd}`).type === PROC;
}

/**
 * Is there something in an open file whose size says 0: of such a file nobody knows how long it is before it is read. Throws EAGAIN
 * where it was opened with O_NONBLOCK and waits for what comes.
 */
export function hidesItsLength(fd: number): boolean {
  return fstatSync(fd).size === 0 && readSync(fd, Buffer.alloc(1), 0, 1, 0) > 0;
}
