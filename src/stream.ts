/** The two captured streams of a run, and whether bytes belong to its preparation or its command. */
export const STREAMS = ['stdout', 'stderr'] as const;
export type Stream = (typeof STREAMS)[number];
export const PHASES = ['setup', 'command'] as const;
export type Phase = (typeof PHASES)[number];
