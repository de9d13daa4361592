import { openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';

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
  let own: string;
  let fd: number;
  try {
    own = readFileSync(fileOf('self'), 'latin1').trim();
    fd = openSync(fileOf('self'), 'r+');
  } catch {
    return { starting: (start) => start(), started() {} };
  }
  const line = (score: number): Buffer => Buffer.from(`${score}\n`);
  const before = Number(own);
  const [half, whole] = [line(programScore(before, START_MORE)), line(programScore(before))];
  const write = (score: Buffer): void => {
    try {
      writeSync(fd, score, 0, score.length, 0);
    } catch {
      // who may do more than we has set a higher one since: that holds
    }
  };
  return {
    starting(start) {
      write(half);
      try {
        return start();
      } finally {
        write(line(before));
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
