import { openSync, readSync, writeFileSync, writeSync } from 'node:fs';

/** When memory runs out, a program is taken before a server or supervisor that holds up to half of the memory more. */
const PROGRAM_MORE = 500;
/** What it has from its first moment on. */
const START_MORE = 250;
const MAX = 1000;

/** oom_score_adj of programs, given the supervisor's own: one that is protected protects itself only. */
export function programScore(own: number, more = PROGRAM_MORE): number {
  return Math.min(MAX, Math.max(0, own) + more);
}

/** How programs get their oom_score_adj. Raising a score, and going back, needs no privilege: proc_pid_oom_score_adj(5). */
export interface ProgramScoring {
  /**
   * Start something under half of the score: all of a run inherits that from its first moment on. Only half, for so
   * long it is this process's score too, which must not be taken before the programs that run already.
   */
  starting<T>(start: () => T): T;
  /** It has started: the whole score, for it and for what it forks from now on. */
  started(pid: number): void;
}

/** Where a process has no such file under `proc`, or it may not be written, programs keep our score. */
export function programScoring(proc = '/proc'): ProgramScoring {
  const fileOf = (process: number | 'self'): string => `${proc}/${process}/oom_score_adj`;
  let fd: number;
  try {
    fd = openSync(fileOf('self'), 'r+');
  } catch {
    return { starting: (start) => start(), started() {} };
  }
  const own = Buffer.alloc(8);
  let whole = '';
  /** What somebody else has set since it was last looked at holds. */
  const look = (): Buffer => own.subarray(0, readSync(fd, own, 0, own.length, 0));
  const write = (score: Buffer | string): void => {
    const bytes = Buffer.from(score);
    try {
      writeSync(fd, bytes, 0, bytes.length, 0);
    } catch {
      // not for us to change
    }
  };
  return {
    starting(start) {
      const before = look();
      const score = Number(before.toString('latin1'));
      whole = `${programScore(score)}\n`;
      write(`${programScore(score, START_MORE)}\n`);
      try {
        return start();
      } finally {
        write(before);
      }
    },
    started(pid) {
      try {
        writeFileSync(fileOf(pid), whole);
      } catch {
        // it has gone, or belongs to another user by now
      }
    },
  };
}
