import type { Marks } from './marks.ts';

/** A process as it was seen: together the two numbers never mean another one. */
export interface Found {
  pid: number;
  /** Clock ticks since boot. */
  startTime: number;
}

/** What has been found of a run, by pid. */
export type Known = ReadonlyMap<number, Found>;

/** How the processes of runs are found. */
export interface ProcessFinder {
  /** From now until `end` a run may have processes. */
  begin(marks: Marks): void;
  end(marks: Marks): void;
  /** May a run whose leader has gone have left a process. Cheap; false only when there is none. */
  mayHaveLeft(marks: Marks): boolean;
  /** Hand over the living processes of a run, once each. Returns how many there were at the last look. */
  each(marks: Marks, known: Known, found: (process: Found) => void): number | Promise<number>;
}
