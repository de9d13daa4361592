import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** pids of living processes whose command line has this word. Zombies have none. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && pid !== process.pid && commandLine(pid).includes(word) ? [pid] : [];
  });
}

/** The supervisor of a data directory. */
export function supervisorOf(dataDir: string): number {
  const [pid] = processesWith(dataDir).filter((pid) =>
    commandLine(pid).some((word) => word.includes('/supervisor/main.')),
  );
  if (pid === undefined) throw new Error(`there is no supervisor of ${dataDir}`);
  return pid;
}

export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** What a process has open: descriptor and target. */
export function descriptorsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`];
    } catch {
      return []; // the descriptor that listed the directory
    }
  });
}

/** Children of a process that ended and were not reaped. */
export function zombiesOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const [state, ppid] = readFileSync(`/proc/${name}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return state === 'Z' && Number(ppid) === parent ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** How often a process has gone to sleep of itself: one that does not wake does not count on. */
export function sleepsOf(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Living children of a process. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** Resolves when it is true; fails after a time that only a hang needs. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 20_000,
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain until ${what}`);
    await sleep(10);
  }
}
