/** Beside all that say that the server has trouble: too late, too early, too many. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** A status that may be another one a little later: it says nothing of the job. */
export function isPassing(status: number): boolean {
  return PASSING.has(status) || status >= 500;
}
