/** The two captured streams of a run, and whether bytes belong to its preparation or its command. */
export const STREAMS = ['stdout', 'stderr'] as const;
export type Stream = (typeof STREAMS)[number];
export const PHASES = ['setup', 'command'] as const;
export type Phase = (typeof PHASES)[number];

/** What is captured, each with offsets of its own: what setup writes is apart from what the command writes. */
export const CHANNELS = ['stdout', 'stderr', 'setup_stdout', 'setup_stderr'] as const;
export type Channel = (typeof CHANNELS)[number];

export function channelOf(stream: Stream, phase: Phase): Channel {
  return phase === 'setup' ? `setup_${stream}` : stream;
}

/**
 * Why bytes that existed are not kept: more than `max_output_bytes`, history that was deleted, or what the
 * storage could not take or did not keep (a full disk, a power cut).
 */
export const GAP_REASONS = ['output_limit', 'retention', 'storage'] as const;
export type GapReason = (typeof GAP_REASONS)[number];
