import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** How the processes of one run are told from all others. */
export interface Marks {
  run: string;
  /** The leader's pid, also its session and group. */
  leader: number;
  /** Soft RLIMIT_RTTIME that every process of the run has inherited. */
  mark: bigint | null;
}

interface ProcessEntry {
  pid: number;
  parent: number;
  session: number;
}

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
 * environment names the run, and all their descendants.
 */
export function processesOf(marks: Marks): number[] {
  const all = listProcesses();
  const children = new Map<number, number[]>();
  for (const entry of all) {
    const siblings = children.get(entry.parent);
    if (siblings) siblings.push(entry.pid);
    else children.set(entry.parent, [entry.pid]);
  }
  const found = new Set<number>();
  const add = (pid: number): void => {
    if (pid === process.pid || found.has(pid)) return;
    found.add(pid);
    for (const child of children.get(pid) ?? []) add(child);
  };
  for (const entry of all) if (!found.has(entry.pid) && belongs(entry, marks)) add(entry.pid);
  return [...found];
}

/** Does this process belong to the run, by what it carries itself. */
export function belongsTo(pid: number, marks: Marks): boolean {
  const stat = readStat(pid);
  return stat !== null && isLiving(stat) && belongs({ pid, ...stat }, marks);
}

function belongs(entry: ProcessEntry, marks: Marks): boolean {
  if (entry.session === marks.leader) return true;
  if (marks.mark !== null && softRealtimeLimit(entry.pid) === marks.mark) return true;
  return environmentNames(entry.pid, marks.run);
}

function listProcesses(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of existsSync('/proc') ? readdirSync('/proc') : []) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = readStat(pid);
    if (stat && isLiving(stat)) entries.push({ pid, ...stat });
  }
  return entries;
}

/** A zombie runs nothing and holds nothing; it only waits to be reaped. */
function isLiving(stat: { state: string }): boolean {
  return stat.state !== 'Z' && stat.state !== 'X';
}

/** proc(5): the command name is in parentheses and may hold anything; fields are counted after the last one. */
function readStat(pid: number): { state: string; parent: number; session: number } | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '?', parent: Number(fields[1]), session: Number(fields[3]) };
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
