import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** How the processes of one run are told from all others. */
export interface Marks {
  run: string;
  /** The leader's pid, also its session and group; null when nobody remembers it. */
  leader: number | null;
  /** Of a leader started by an earlier supervisor: its pid may mean another process by now. */
  leaderStartTime?: number;
  /** Soft RLIMIT_RTTIME that every process of the run has inherited. */
  mark: bigint | null;
}

interface ProcessEntry {
  pid: number;
  parent: number;
  session: number;
  /** Clock ticks since boot. */
  startTime: number;
}

type ProcessTable = ReadonlyMap<number, ProcessEntry>;

/** How often processes that were born meanwhile are looked for: a fork bomb must not hold this process. */
const MAX_PASSES = 20;

/** Every mark has this bit set, so that a mark is told from a limit that somebody set. */
export const MARK_BIT = 1n << 51n;

/** Direct children of this process: one small file, read at the end of every run. Null where the kernel has no such file. */
export function directChildren(): number[] | null {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1');
    return text === '' ? [] : text.trim().split(' ').map(Number);
  } catch {
    return null;
  }
}

/**
 * All living processes of a run: those in the leader's session, those that carry its mark, those whose
 * environment names the run, and all their descendants. Each is handed over as soon as it is found, and
 * processes that were born meanwhile are looked at until there are none, so that a chain of short-lived
 * ones is not always a step ahead.
 */
export function eachProcessOf(marks: Marks, found: (pid: number) => void): number {
  const table = new Map<number, ProcessEntry>();
  const seen = new Set<number>([process.pid]);
  const own = new Set<number>();
  const take = ({ pid }: ProcessEntry): void => {
    own.add(pid);
    found(pid);
  };
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const born = processIds().filter((pid) => !seen.has(pid));
    if (born.length === 0) break;
    const entries = born.flatMap((pid) => {
      seen.add(pid);
      const stat = readStat(pid);
      return stat && isLiving(stat) ? [{ pid, ...stat }] : [];
    });
    for (const entry of entries) table.set(entry.pid, entry);
    for (const entry of entries) if (belongs(entry, marks, table)) take(entry);
    for (let before = -1; before !== own.size; ) {
      before = own.size;
      for (const entry of table.values()) if (!own.has(entry.pid) && own.has(entry.parent)) take(entry);
    }
  }
  return own.size;
}

/** Does this direct child of ours belong to the run, by what it carries itself. */
export function childBelongsTo(pid: number, marks: Marks): boolean {
  const stat = readStat(pid);
  return stat !== null && isLiving(stat) && belongs({ pid, ...stat }, marks, null);
}

/** Clock ticks since boot, or null when the process is gone. */
export function startTimeOf(pid: number): number | null {
  return readStat(pid)?.startTime ?? null;
}

/** `table` is null for a direct child of ours. */
function belongs(entry: ProcessEntry, marks: Marks, table: ProcessTable | null): boolean {
  if (entry.pid === process.pid) return false;
  if (marks.leader !== null && entry.session === marks.leader && sameLeader(marks)) return true;
  if (marks.mark !== null) {
    const limit = softRealtimeLimit(entry.pid);
    if (limit === marks.mark) return true;
    if (limit !== null && (limit & MARK_BIT) !== 0n && limit < MARK_BIT * 2n) return false; // another run's
  }
  return environmentNames(entry.pid, marks.run) && !ownedElsewhere(entry, marks, table);
}

/** Has the leader's pid not been given to another process. */
function sameLeader({ leader, leaderStartTime }: Marks): boolean {
  if (leader === null || leaderStartTime === undefined) return true;
  const now = startTimeOf(leader);
  return now === null || now === leaderStartTime;
}

/**
 * A server beside us may run the same invocation_id: what descends from another supervisor is not ours.
 * Where runs carry marks only our own descendants are taken at the word of their environment.
 */
function ownedElsewhere(entry: ProcessEntry, { mark }: Marks, table: ProcessTable | null): boolean {
  let { parent } = entry;
  for (let above = table?.get(parent); above && parent !== process.pid; above = table?.get(parent)) {
    if (mark === null && isSupervisor(parent)) return true;
    parent = above.parent;
  }
  return table !== null && mark !== null && parent !== process.pid;
}

function isSupervisor(pid: number): boolean {
  const words = read(`/proc/${pid}/cmdline`)?.split('\0') ?? [];
  return words.includes('--data-dir') && words.some((word) => word.includes('/supervisor/main.'));
}

function processIds(): number[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** A zombie runs nothing and holds nothing; it only waits to be reaped. */
function isLiving(stat: { state: string }): boolean {
  return stat.state !== 'Z' && stat.state !== 'X';
}

/** proc(5): the command name is in parentheses and may hold anything; fields are counted after the last one. */
function readStat(pid: number): (Omit<ProcessEntry, 'pid'> & { state: string }) | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '?',
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
  };
}

function softRealtimeLimit(pid: number): bigint | null {
  const match = /^Max realtime timeout\s+(\d+)/m.exec(read(`/proc/${pid}/limits`) ?? '');
  return match?.[1] ? BigInt(match[1]) : null;
}

function environmentNames(pid: number, run: string): boolean {
  const text = read(`/proc/${pid}/environ`);
  return text?.split('\0').includes(`RUNWIRE_INVOCATION_ID=${run}`) ?? false;
}

/** Null when the process is gone or not ours to look at. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
