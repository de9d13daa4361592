/** What becomes of a run that an earlier server left unfinished. */
export const RECOVERED = ['queued', 'resumed', 'lost'] as const;
export type Recovered = (typeof RECOVERED)[number];

/** How far a server is with the runs of an earlier one. */
export interface RecoveryState {
  /** Waited for a place, and wait again. */
  queued: number;
  /** Ran, and are resumed, or had ended in a way that was learnt. */
  resumed: number;
  /** Ran, and nobody knows how they ended. */
  lost: number;
  /** Ran, and are still being looked for. */
  stillRecovering: number;
}
