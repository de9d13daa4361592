import type { OutputSource, StartedProgram } from './spawner.ts';

/** What the supervisor has of the descriptors of a program that it started. */
export type OurEnds = Pick<StartedProgram, 'stdout' | 'stderr' | 'stdin' | 'terminal'> & {
  /** The program itself has ended; others may hold its descriptors. */
  leaderGone?(): void;
};

/** Descriptors 0, 1 and 2 of a program that is to be started, and the other ends of them. */
export interface Ends {
  /** Tell posix_spawn of them. */
  connect(): void;
  /** It has started. */
  started(): OurEnds;
  /** It has not: nothing stays open. */
  failed(): void;
}

/** A stream that nothing can be written to. */
export const silent: OutputSource = {
  drain: () => true,
  follow: (_onChunk, onEnd) => onEnd(),
  close() {},
};

/** All streams are read into one buffer: a chunk is used before the next read. */
export const shared = Buffer.allocUnsafeSlow(256 * 1024);

/** What the kernel may hold of one stream. Bytes. */
export const PIPE_BYTES = 1 << 20;
