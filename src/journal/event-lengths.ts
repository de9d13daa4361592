import { incompleteTail } from './utf8.ts';

/** Output events longer than this are split, so that one event stays a comfortable SSE message. */
export const MAX_EVENT_BYTES = 64 * 1024;

/** How output is cut into events: at most MAX_EVENT_BYTES each, no character split. */
export function eventLengths(bytes: Buffer): number[] {
  const lengths: number[] = [];
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(bytes.length, from + MAX_EVENT_BYTES);
    if (to < bytes.length) to -= incompleteTail(bytes.subarray(from, to));
    lengths.push(to - from);
    from = to;
  }
  return lengths;
}
