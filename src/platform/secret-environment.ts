import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/** What became of the variables that hold secrets. */
export interface Erasure {
  /** They still stand where other processes of this user can read them. */
  left: string[];
  /** Processes that started this one, and show the same in their own environment. */
  holders: { pid: number; command: string }[];
}

/**
 * Take variables out of the environment of this process, where every process of the same user could read them:
 * out of process.env, and out of the block on the stack that /proc/PID/environ shows, which unsetenv(3) leaves as it is.
 */
export function eraseVariables(names: readonly string[]): Erasure {
  if (names.length === 0) return { left: [], holders: [] };
  const pairs = new Set(names.map((name) => `${name}=${process.env[name]}`));
  for (const name of names) delete process.env[name];
  let shown: string[] | null = null;
  try {
    overwrite((pair) => names.some((name) => pair.startsWith(`${name}=`)));
    shown = environmentOf('self');
  } catch {
    // no Linux, or one that does not let a process write to its own memory by this way
  }
  const left =
    shown === null ? [...names] : names.filter((name) => shown.some((at) => at.startsWith(`${name}=`)));
  return { left, holders: ancestorsWith(pairs) };
}

/** In place, byte by byte: nothing is moved that something may point to. */
function overwrite(isErased: (pair: string) => boolean): void {
  const fields = statOf('self');
  const [start, end] = [Number(fields[47]), Number(fields[48])]; // env_start and env_end of proc_pid_stat(5)
  if (!(start > 0 && end > start)) throw new Error('the kernel does not say where the environment is');
  const memory = openSync('/proc/self/mem', 'r+');
  try {
    const block = Buffer.alloc(end - start);
    readSync(memory, block, 0, block.length, start);
    let at = 0;
    for (const pair of block.toString('latin1').split('\0')) {
      if (isErased(pair)) writeSync(memory, Buffer.alloc(pair.length), 0, pair.length, start + at);
      at += pair.length + 1;
    }
  } finally {
    closeSync(memory);
  }
}

function ancestorsWith(pairs: ReadonlySet<string>): Erasure['holders'] {
  const holders: Erasure['holders'] = [];
  try {
    for (let pid = process.ppid; pid > 0; pid = Number(statOf(pid)[1]))
      if (environmentOf(pid)?.some((pair) => pairs.has(pair))) holders.push({ pid, command: commandOf(pid) });
  } catch {
    // the line of those that can be looked at ends here
  }
  return holders;
}

/** Null: not for us to read, nor for programs of the same user. */
function environmentOf(process: number | 'self'): string[] | null {
  try {
    return readFileSync(`/proc/${process}/environ`, 'utf8').split('\0');
  } catch (error) {
    if (process === 'self') throw error;
    return null;
  }
}

/** From field 3 on: the name before may hold anything. */
function statOf(process: number | 'self'): string[] {
  const text = readFileSync(`/proc/${process}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
