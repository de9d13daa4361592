/** What becomes of how many runs when the server is asked to stop. */
export interface WhenStopped {
  /** They go on without this server. */
  left: number;
  /** They end with it. */
  ending: number;
  /** They have not begun. */
  waiting: number;
}

export interface Ending {
  /** Runs that can are left to the next server; else all are cancelled in the end. */
  leave: boolean;
  /** Why they are not left, where nobody asked for that. */
  because: string | null;
  /** What must end here may finish for so long. */
  drainSeconds: number;
}

const AGAIN = 'Ctrl-C or SIGTERM again';

/** What happens after the first signal, and what a second one does. */
export function lastMoments({ leave, because, drainSeconds }: Ending, runs: WhenStopped): string {
  const { left, ending, waiting } = runs;
  if (left + ending + waiting === 0) return 'stopping: nothing runs';
  const parts: string[] = [];
  if (left > 0)
    parts.push(`${count(left)} ${left === 1 ? 'goes' : 'go'} on, for the next server on this data directory`);
  if (waiting > 0)
    parts.push(`${count(waiting)} that ${waiting === 1 ? 'waits is' : 'wait are'} left to the next server`);
  if (ending === 0)
    parts.push(`${leave && left > 0 ? 'RUNWIRE_ON_EXIT=cancel would end them; ' : ''}nothing is waited for`);
  else if (drainSeconds === 0)
    parts.push(`${count(ending)} cancelled${why(because)}`, `${AGAIN} leaves no grace`);
  else
    parts.push(
      `${count(ending)} may finish for ${drainSeconds} s, then what is left is cancelled${why(because)}`,
      `${AGAIN} cancels at once`,
    );
  return `stopping: ${parts.join('; ')}`;
}

const count = (runs: number): string => (runs === 1 ? '1 run' : `${runs} runs`);
const why = (because: string | null): string => (because === null ? '' : ` (${because})`);
