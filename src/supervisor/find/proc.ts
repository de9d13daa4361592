import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { codeOf } from '../../platform/error-words.ts';

/** One line of /proc/PID/stat. Pid and start time together never mean another process. */
export interface ProcessStat {
  pid: number;
  state: string;
  /** It runs nothing of its own any more. */
  isExiting: boolean;
  parent: number;
  session: number;
  threads: number;
  /** Clock ticks since boot. */
  startTime: number;
}

/** Among the flags that the kernel has of a process. */
const PF_EXITING = 0x4;

/** The variable that names the run of a process. */
const RUN_VARIABLE = 'RUNWIRE_INVOCATION_ID=';
/** The kernel hands out a page at a time, of whole numbers: less is the end. */
const PAGE = 4096;
const ALMOST_A_PAGE = PAGE - 16;

/** Null when the process is gone. proc(5): the name is in parentheses and may hold anything; fields count after the last one. */
export function readStat(pid: number): ProcessStat | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? '?',
    isExiting: (Number(fields[6]) & PF_EXITING) !== 0,
    parent: Number(fields[1]),
    session: Number(fields[3]),
    threads: Number(fields[17]),
    startTime: Number(fields[19]),
  };
}

/** A zombie runs nothing and holds nothing; it only waits to be reaped. */
export function isLiving({ state }: ProcessStat): boolean {
  return state !== 'Z' && state !== 'X';
}

/** Clock ticks since boot, or null when the process is gone. */
export function startTimeOf(pid: number): number | null {
  return readStat(pid)?.startTime ?? null;
}

/** Real-time signals have numbers only, from this one on. */
const FIRST_REALTIME = 32;

/** The real-time signal that a child of ours is ending by or has ended by, before it is reaped; else null. */
export function endingRealtimeSignal(pid: number): number | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const status = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[49]);
  const signal = status & 0x7f;
  return signal >= FIRST_REALTIME && signal < 0x7f ? signal : null; // a stopped process has the signal that stopped it
}

export function processIds(): number[] {
  return look(() => readdirSync('/proc').map(Number).filter(Number.isInteger)) ?? [];
}

/** Children of a process, those of all its threads. */
export function childrenOf({ pid, threads }: ProcessStat): number[] {
  const tasks = threads === 1 ? [pid] : tasksOf(pid);
  return tasks.flatMap((task) => {
    const text = read(`/proc/${pid}/task/${task}/children`)?.trim();
    return text ? text.split(' ').map(Number) : [];
  });
}

/**
 * How the children of this process are asked for, zombies too: one file that stays open, read at the end of
 * every run. Null where the kernel has no such file.
 */
export function ownChildren(): (() => number[]) | null {
  let fd: number;
  try {
    fd = openSync(`/proc/self/task/${process.pid}/children`, 'r');
  } catch {
    return null;
  }
  let buffer = Buffer.alloc(4 * PAGE);
  return () => {
    for (let size = 0; ; ) {
      if (buffer.length - size < 2 * PAGE) buffer = Buffer.concat([buffer, Buffer.alloc(buffer.length)]);
      const got = readSync(fd, buffer, size, buffer.length - size, size);
      size += got;
      if (got < ALMOST_A_PAGE) return numbersIn(buffer.subarray(0, size));
    }
  };
}

/** Soft RLIMIT_RTTIME in µs; null when there is none. */
export function softRealtimeLimit(pid: number): bigint | null {
  const match = /^Max realtime timeout\s+(\d+)/m.exec(read(`/proc/${pid}/limits`) ?? '');
  return match?.[1] ? BigInt(match[1]) : null;
}

/** The run that the environment of a process names, as it was when the process began. */
export function runNamedBy(pid: number): string | null {
  const variables = read(`/proc/${pid}/environ`)?.split('\0');
  const pair = variables?.find((each) => each.startsWith(RUN_VARIABLE));
  return pair === undefined ? null : Buffer.from(pair, 'latin1').toString().slice(RUN_VARIABLE.length);
}

export function commandLineOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`)?.split('\0') ?? [];
}

function tasksOf(pid: number): number[] {
  return look(() => readdirSync(`/proc/${pid}/task`).map(Number)) ?? [];
}

/** "12 345 " without a string for each. */
function numbersIn(text: Buffer): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of text)
    if (byte === 0x20) {
      numbers.push(number);
      number = 0;
    } else number = number * 10 + byte - 0x30;
  return numbers;
}

function read(path: string): string | null {
  return look(() => readFileSync(path, 'latin1'));
}

/** Held back, so that processes can be looked at when no other descriptor is left. */
let spare: number | null = openSync('/dev/null', 'r');

/** Null when the process is gone or not ours to look at. Throws when there is no descriptor to look with. */
function look<T>(at: () => T): T | null {
  try {
    return at();
  } catch (error) {
    if (!lacksDescriptors(error)) return null;
  }
  if (spare !== null) closeSync(spare);
  spare = null;
  try {
    return at();
  } catch (error) {
    if (lacksDescriptors(error)) throw error;
    return null;
  } finally {
    spare = openSpare();
  }
}

function openSpare(): number | null {
  try {
    return openSync('/dev/null', 'r');
  } catch {
    return null; // it is missed when it is needed
  }
}

function lacksDescriptors(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'EMFILE' || code === 'ENFILE';
}
