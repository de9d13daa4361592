/** What is going on when the server is asked to stop. */
export interface AtWork {
  /** Runs that go on without this server. */
  outliving: number;
  /** Runs that it has to finish itself. */
  bound: number;
}

export interface Ending {
  /** Runs that can are left to the next server; else all are cancelled in the end. */
  leave: boolean;
  /** Why they are not left, where nobody asked for that. */
  because: string | null;
  /** What must end here may finish for so long. */
  drainSeconds: number;
}

/** What happens after the first signal, and what a second one does. */
export function lastMoments({ leave, because, drainSeconds }: Ending, { outliving, bound }: AtWork): string {
  const left = leave ? outliving : 0;
  const ending = outliving + bound - left;
  const parts: string[] = [];
  if (left > 0)
    parts.push(`${runs(left)} ${left === 1 ? 'goes' : 'go'} on, for the next server on this data directory`);
  if (ending > 0 && drainSeconds === 0) parts.push(`${runs(ending)} cancelled${why(because)}`);
  else if (ending > 0)
    parts.push(
      `${runs(ending)} may finish for ${drainSeconds} s, then what is left is cancelled${why(because)}`,
      'Ctrl-C or SIGTERM again cancels at once',
    );
  else if (left > 0) parts.push('RUNWIRE_ON_EXIT=cancel would end them');
  return `stopping: ${parts.length === 0 ? 'nothing runs' : parts.join('; ')}`;
}

const runs = (count: number): string => (count === 1 ? '1 run' : `${count} runs`);
const why = (because: string | null): string => (because === null ? '' : ` (${because})`);
