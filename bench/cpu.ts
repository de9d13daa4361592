import { readFileSync } from 'node:fs';

/** Linux counts processor time for its readers in hundredths of a second (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time, user and system. */
export interface CpuTime {
  /** Of the processes themselves, all threads. */
  own: number;
  /** Of the programs that they started and that have ended. */
  programs: number;
}

/** What processes have used since they began. A process that is gone is an error: its time would be missing. */
export function cpuTime(pids: readonly number[]): CpuTime {
  const total = { own: 0, programs: 0 };
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may have spaces: the numbered fields of proc(5) begin after it, with the third.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const seconds = (field: number) => Number(fields[field - 3]) / TICKS_PER_SECOND;
    total.own += seconds(14) + seconds(15);
    total.programs += seconds(16) + seconds(17);
  }
  return total;
}
