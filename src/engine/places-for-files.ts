import type { Config } from '../config.ts';

type PlacesOf = Pick<Config, 'maxConcurrent' | 'maxCalls'>;

/** What server and supervisor each hold open beside runs, and at most for one: pipes, captures, journal, pidfd, socket. */
const OWN_FILES = 64;
const FILES_OF_A_PROGRAM = 8;
const FILES_OF_A_CALL = 5;

/**
 * How many runs may go on at once with so many open files; more wait in the queue and do not fail. Programs come first,
 * but for a quarter of the files.
 */
export function placesFor(
  { maxConcurrent, maxCalls }: PlacesOf,
  openFiles: number,
  log: { warn(words: string): void },
): PlacesOf {
  const needed = OWN_FILES + FILES_OF_A_PROGRAM * maxConcurrent + FILES_OF_A_CALL * maxCalls;
  if (openFiles >= needed) return { maxConcurrent, maxCalls };
  const files = openFiles - OWN_FILES;
  const forCalls = Math.min(FILES_OF_A_CALL * maxCalls, files / 4);
  const programs = bounded(maxConcurrent, (files - forCalls) / FILES_OF_A_PROGRAM);
  const calls = bounded(maxCalls, (files - programs * FILES_OF_A_PROGRAM) / FILES_OF_A_CALL);
  log.warn(
    `RUNWIRE_MAX_CONCURRENT=${maxConcurrent} and RUNWIRE_MAX_CALLS=${maxCalls} need ${needed} open files, and ${openFiles} are allowed: ` +
      `${programs} programs and ${calls} calls go on at once. Raise the limit (ulimit -n ${needed}, LimitNOFILE=, --ulimit nofile=) ` +
      `or set RUNWIRE_MAX_CONCURRENT=${programs} and RUNWIRE_MAX_CALLS=${calls}`,
  );
  return { maxConcurrent: programs, maxCalls: calls };
}

const bounded = (wanted: number, room: number): number => Math.max(1, Math.min(wanted, Math.floor(room)));
