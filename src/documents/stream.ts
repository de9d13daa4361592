/** The two captured streams of a run, and whether bytes belong to its preparation or its command. */
export const STREAMS = ['stdout', 'stderr'] as const;
export type Stream = (typeof STREAMS)[number];
export const PHASES = ['setup', 'command'] as const;
export type Phase = (typeof PHASES)[number];

/** What is captured, each with offsets of its own: what setup writes is apart from what the command writes. */
export const SETUP_CHANNELS = ['setup_stdout', 'setup_stderr'] as const;
export const CHANNELS = [...STREAMS, ...SETUP_CHANNELS] as const;
export type SetupChannel = (typeof SETUP_CHANNELS)[number];
export type Channel = (typeof CHANNELS)[number];

/** Something for each channel of a run; most runs have no setup. */
export type OfChannels<T> = Record<Stream, T> & Partial<Record<SetupChannel, T>>;

export function channelOf(stream: Stream, phase: Phase): Channel {
  return phase === 'setup' ? `setup_${stream}` : stream;
}

export function streamOf(channel: Channel): Stream {
  return channel === 'stdout' || channel === 'setup_stdout' ? 'stdout' : 'stderr';
}

export function isOfSetup(channel: Channel): channel is SetupChannel {
  return channel === 'setup_stdout' || channel === 'setup_stderr';
}

/** What events and gaps of a channel say of it: they name the stream, and setup where it is setup's. */
export function setupMark(channel: Channel): { phase?: 'setup' } {
  return isOfSetup(channel) ? { phase: 'setup' } : {};
}

/**
 * Why bytes that existed are not kept: more than `max_output_bytes`, history that was deleted, or what the
 * storage could not take or did not keep (a full disk, a power cut).
 */
export const GAP_REASONS = ['output_limit', 'retention', 'storage'] as const;
export type GapReason = (typeof GAP_REASONS)[number];
