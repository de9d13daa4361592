import { hash } from 'node:crypto';

/** How the processes of one run are told from all others. */
export interface Marks {
  run: string;
  /** The leader's pid, also its session and group; null when nobody remembers it. */
  leader: number | null;
  /** When the leader was reaped (performance.now()): from then on its pid may come to mean another process. */
  leaderGoneAt: number | null;
  /** Of a leader that an earlier supervisor started. */
  leaderStartTime?: number;
  /** Soft RLIMIT_RTTIME that every process of the run has inherited. */
  mark: bigint | null;
}

/** Every mark has this bit set, so that a mark is told from a limit that somebody set. */
const MARK_BIT = 1n << 51n;

/**
 * The same for every supervisor of a data directory: a later one finds what a dead one started. `place` tells
 * data directories apart that have the same path, in containers for example.
 */
export function markOf(place: string, directory: string): bigint {
  return MARK_BIT + (hash('sha256', `${place}\0${directory}`, 'buffer').readBigUInt64BE(0) & (MARK_BIT - 1n));
}

export function isMark(limit: bigint): boolean {
  return (limit & MARK_BIT) !== 0n && limit < MARK_BIT * 2n;
}
