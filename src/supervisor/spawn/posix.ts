import { constants } from 'node:os';
import koffi from 'koffi';
import type { Found } from '../find/finder.ts';
import { startTimeOf } from '../find/proc.ts';

/**
 * The system calls that Node has no function for, on Linux with glibc or musl. Importing this file
 * throws where koffi has no prebuilt binary; the portable spawner is used there.
 */
const libc = koffi.load(null);

export const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const WNOHANG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const RLIMIT_RTTIME = 15;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

const pipe2 = libc.func('int pipe2(void *fds, int flags)');
const fcntl = libc.func('int fcntl(int fd, int command, int argument)');
const readInto = libc.func('intptr_t read(int fd, void *buffer, size_t size)');
const closeFd = libc.func('int close(int fd)');
const killPid = libc.func('int kill(int pid, int signal)');
const wait4 = libc.func('int wait4(int pid, void *status, int options, void *usage)');
const prctl = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const setrlimit = libc.func('int setrlimit(int resource, void *limit)');
const getrlimit = libc.func('int getrlimit(int resource, void *limit)');
const getsockopt = libc.func('int getsockopt(int fd, int level, int option, void *value, void *length)');
const syscall4 = libc.func('long syscall(long number, long a, long b, long c, long d)');

/** The errno of the last call. */
export function errno(): number {
  return koffi.errno();
}

export class SystemError extends Error {
  readonly errno: number;
  constructor(call: string, number: number) {
    super(`${call}: errno ${number}`);
    this.errno = number;
  }
}

export interface Pipe {
  read: number;
  write: number;
}

const pair = new Int32Array(2);

/** A pipe whose ends do not leak into programs; only our (read or write) end is non-blocking. */
export function openPipe(nonBlocking: 'read' | 'write'): Pipe {
  if (pipe2(pair, O_CLOEXEC) !== 0) throw new SystemError('pipe2', errno());
  const [read = -1, write = -1] = pair;
  fcntl(nonBlocking === 'read' ? read : write, F_SETFL, O_NONBLOCK);
  return { read, write };
}

/** Ask for a larger pipe; refused quietly where the user's quota is spent. */
export function growPipe(fd: number, bytes: number): void {
  fcntl(fd, F_SETPIPE_SZ, bytes);
}

/** Another descriptor of the same. Throws SystemError. */
export function duplicate(fd: number): number {
  const another: number = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (another < 0) throw new SystemError('fcntl', errno());
  return another;
}

/** Bytes read, 0 at the end, -1 when nothing is there now. Throws SystemError. */
export function readNow(fd: number, buffer: Buffer): number {
  for (;;) {
    const got: number = Number(readInto(fd, buffer, buffer.length));
    if (got >= 0) return got;
    const error = errno();
    if (error === constants.errno.EAGAIN) return -1;
    if (error !== constants.errno.EINTR) throw new SystemError('read', error);
  }
}

export function close(fd: number): void {
  closeFd(fd);
}

/** False when there is no such process or group (negative pid). */
export function kill(pid: number, signal: number): boolean {
  return killPid(pid, signal) === 0 || errno() === constants.errno.EPERM;
}

export interface Reaped {
  pid: number;
  status: number;
  cpuUserMs: number;
  cpuSystemMs: number;
  maxRssBytes: number;
}

const status = new Int32Array(1);
/** struct rusage: two timevals, then ru_maxrss in KiB. */
const usage = new BigInt64Array(18);
const ms = (at: number) => Number(usage[at] ?? 0n) * 1000 + Number(usage[at + 1] ?? 0n) / 1000;

/** Reap one child that has ended, if there is any. */
export function reapOne(): Reaped | null {
  const pid: number = wait4(-1, status, WNOHANG, usage);
  if (pid <= 0) return null;
  return {
    pid,
    status: status[0] ?? 0,
    cpuUserMs: ms(0),
    cpuSystemMs: ms(2),
    maxRssBytes: Number(usage[4] ?? 0n) * 1024,
  };
}

/** Orphans of our descendants become our children. */
export function becomeSubreaper(): boolean {
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0;
}

const limit = new BigUint64Array(2);

/**
 * Set the soft RLIMIT_RTTIME (µs) of this process, which programs spawned next inherit and cannot
 * lose by exec, fork, setsid or a wiped environment: the mark by which a run's processes are found.
 * It limits only real-time scheduled threads, after decades of CPU.
 */
export function setMark(mark: bigint): boolean {
  limit[0] = mark;
  return setrlimit(RLIMIT_RTTIME, limit) === 0;
}

/** The mark this process was started under. Called once, before setMark: the hard limit is kept as it is. */
export function getMark(): bigint {
  return getrlimit(RLIMIT_RTTIME, limit) === 0 ? (limit[0] ?? 0n) : 0n;
}

/**
 * Signal a process, or nobody when its pid has come to mean another one: a pidfd stays with its process, and
 * that it is the right one is looked up while the pidfd is held.
 */
export function signalExactly({ pid, startTime }: Found, signal: number): void {
  const handle = Number(syscall4(SYS_PIDFD_OPEN, pid, 0, 0, 0));
  const reason = handle < 0 ? errno() : 0;
  if (reason === constants.errno.ESRCH) return;
  if (startTimeOf(pid) === startTime)
    if (reason === 0) syscall4(SYS_PIDFD_SEND_SIGNAL, handle, signal, 0, 0);
    else kill(pid, signal); // an old kernel, or no descriptor is left
  if (reason === 0) closeFd(handle);
}

/** struct ucred: pid, uid, gid. */
const credentials = new Int32Array(3);

/** The process that connected this Unix socket; null: the system does not say, or it is not of our pid namespace. */
export function peerOf(fd: number): number | null {
  const length = new Uint32Array([credentials.byteLength]);
  const told = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) === 0;
  return (told && credentials[0]) || null;
}
