import { openSync, readFileSync, writeSync } from 'node:fs';

/** When memory runs out, a program is taken before a server or supervisor that holds up to half of the memory more. */
const PROGRAM_MORE = 500;
const MAX = 1000;
const FILE = '/proc/self/oom_score_adj';

/** oom_score_adj of programs, given the supervisor's own: one that is protected protects itself only. */
export function programScore(own: number): number {
  return Math.min(MAX, Math.max(0, own) + PROGRAM_MORE);
}

/**
 * Start something under the oom_score_adj of programs. All of a run inherits it from its first moment, and it
 * costs two writes of about 1 µs; a write to the file of each program would come after its first forks.
 * Raising the score and going back to where it was need no privilege: proc_pid_oom_score_adj(5).
 */
export type WithProgramScore = <T>(start: () => T) => T;

/** Where /proc has no such file, or it may not be written, programs keep our score. */
export function programScoring(file = FILE): WithProgramScore {
  let own: string;
  let fd: number;
  try {
    own = readFileSync(file, 'latin1').trim();
    fd = openSync(file, 'r+');
  } catch {
    return (start) => start();
  }
  const [raised, back] = [Buffer.from(`${programScore(Number(own))}\n`), Buffer.from(`${own}\n`)];
  const write = (score: Buffer): void => {
    try {
      writeSync(fd, score, 0, score.length, 0);
    } catch {
      // who may do more than we has set a higher one since: that holds
    }
  };
  return (start) => {
    write(raised);
    try {
      return start();
    } finally {
      write(back);
    }
  };
}
