import type { Outcome } from '../documents/outcome.ts';
import type { FinalStatus, RuntimeResult } from '../documents/result.ts';

/** How a run ended, as it is stored. */
export interface FinishedFacts {
  status: FinalStatus;
  /** ms since the epoch. */
  finishedAt: number;
  result: RuntimeResult;
  outcome: Outcome;
  /** The two documents as they are stored. */
  documents: { result: string; outcome: string };
}
