import type { Limits } from '../../src/metrics.ts';

/** Limits of a server that keeps everything. */
export const UNBOUNDED: Limits = {
  outputBytes: 2 ** 30,
  retention: { seconds: null, count: null, bytes: null },
};
