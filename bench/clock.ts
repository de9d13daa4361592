/** Nanoseconds of CLOCK_MONOTONIC, the clock of fixtures/emitter.c. A double holds them exactly for a hundred days. */
export const monotonic = (): number => Number(process.hrtime.bigint());

/** The times that fixtures/emitter.c put into what it printed. */
export const MARK = /@(\d+) /g;
