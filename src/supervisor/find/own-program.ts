import { readStat } from './proc.ts';

/** Parents that end while we look have their children become ours: the next look sees it. */
const MAX_LOOKS = 5;

/**
 * Is this process one of those that we started, or of theirs: by its parents, for no process of a run can leave the
 * family of the subreaper. One that is gone is taken for one, since a server that speaks is there. What cannot be
 * looked at, as under hidepid, is none.
 */
export function isOwnProgram(pid: number | null): boolean {
  for (let look = 1; look <= MAX_LOOKS; look++) {
    let ancestor = pid;
    while (ancestor !== null && ancestor > 1 && ancestor !== process.pid)
      ancestor = readStat(ancestor)?.parent ?? null;
    if (ancestor === process.pid) return true;
    if (ancestor !== null) return false;
  }
  return pid !== null && !exists(pid);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
