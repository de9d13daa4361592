const WORDS: ReadonlySet<string> = new Set(['cancelled', 'canceled']);

/** Does a backend say with this state that the job was cancelled: it ends the run, whether it is named in the spec or not. */
export function saysCancelled(state: string): boolean {
  return WORDS.has(state.toLowerCase());
}
