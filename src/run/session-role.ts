import type { SessionOfRun } from '../contract/context.ts';

export interface SessionRole extends SessionOfRun {
  /** It prepares the session anew, after a reset. */
  readonly isResumed: boolean;
}

/** Who knows which session a run is in, and what it is there. */
export interface SessionRoles {
  /** `session`: the one that it names. Null: it is in none. The same for as long as the run is not over, also under a later server. */
  roleOf(run: string, session: string): SessionRole | null;
}
