/** A wall clock that goes wrong by less than this between two looks is slewed, not set. */
const TOLERANCE_MS = 1000;

/**
 * The time, in ms since the epoch, by which things that are kept for `keepMs` are old. That is the wall clock, but where it
 * was set forward: that makes nothing older than it is. For `keepMs` after such a step what was there before it would
 * be taken for old too early, and all is kept for longer by the step. To be asked often, for steps are seen in between.
 */
export function ageClock(keepMs: number): () => number {
  let last = { wall: Date.now(), steady: performance.now() };
  let steps: { ms: number; until: number }[] = [];
  return () => {
    const now = { wall: Date.now(), steady: performance.now() };
    const ms = now.wall - last.wall - (now.steady - last.steady);
    last = now;
    steps = steps.filter(({ until }) => until > now.steady);
    if (ms > TOLERANCE_MS) steps.push({ ms, until: now.steady + keepMs });
    return now.wall - steps.reduce((sum, step) => sum + step.ms, 0);
  };
}
