import { openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { codeOf } from '../../platform/error-words.ts';

/** When memory runs out, a program is taken before a server or supervisor that holds up to half of the memory more. */
const PROGRAM_MORE = 500;
/** What it has from its first moment on. */
const START_MORE = 250;
const MAX = 1000;

/** oom_score_adj of programs, given the supervisor's own: one that is protected protects itself only. */
export function programScore(own: number, more = PROGRAM_MORE): number {
  return Math.min(MAX, Math.max(0, own) + more);
}

/**
 * Start something under the oom_score_adj of programs; `pidOf` tells what has been started, if anything was. It has half
 * of the score from its first moment on, and so has all that it forks. Only half, for so long it is this process's score
 * too, which must not be taken before the programs that run already. The rest it gets when it is there.
 * Raising a score, and going back, needs no privilege: proc_pid_oom_score_adj(5).
 */
export type WithProgramScore = <T>(start: () => T, pidOf: (started: T) => number | undefined) => T;

/** Where a process has no such file under `proc`, or it may not be written, programs keep our score. */
export function programScoring(proc = '/proc'): WithProgramScore {
  const fileOf = (process: number | 'self'): string => `${proc}/${process}/oom_score_adj`;
  let fd: number;
  try {
    fd = openSync(fileOf('self'), 'r+');
  } catch {
    return (start) => start();
  }
  const own = Buffer.alloc(8);
  const setOwn = (score: Buffer): void => {
    try {
      writeSync(fd, score, 0, score.length, 0);
    } catch {
      // not for us to change
    }
  };
  return (start, pidOf) => {
    // Looked at each time: what somebody else has set since holds.
    const before = own.subarray(0, readSync(fd, own, 0, own.length, 0));
    const score = Number(before.toString('latin1'));
    let pid: number | undefined;
    setOwn(Buffer.from(`${programScore(score, START_MORE)}\n`));
    try {
      const started = start();
      pid = pidOf(started);
      return started;
    } finally {
      setOwn(before);
      if (pid !== undefined) setWhole(fileOf(pid), programScore(score));
    }
  };
}

/**
 * A spawn returns a moment before the exec of the program is through. Until then its files in /proc are root's, for
 * this process is not dumpable, and who is not root tries again.
 */
const AGAIN_MS: readonly number[] = [1, 5, 20, 100];

function setWhole(file: string, score: number, again = AGAIN_MS): void {
  try {
    writeFileSync(file, `${score}\n`);
  } catch (error) {
    const [ms, ...later] = again;
    if (codeOf(error) === 'EACCES' && ms !== undefined)
      setTimeout(() => setWhole(file, score, later), ms).unref();
    // Else it has gone, or belongs to another user by now.
  }
}
