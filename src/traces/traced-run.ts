import type { Invocation } from '../documents/invocation.ts';
import type { Outcome } from '../documents/outcome.ts';
import type { FinalStatus, RuntimeResult } from '../documents/result.ts';
import type { TraceContext } from '../documents/trace-context.ts';

/** A run, and which of those that may have had its id. Times in ms since the epoch. */
export interface TracedRun {
  readonly id: string;
  readonly createdAt: number;
  readonly invocation: Invocation;
  readonly runner: { readonly kind: string };
  /** Of the request that it came with. */
  readonly trace: TraceContext;
}

/** One that is over. */
export interface EndedRun extends TracedRun {
  /** Null: it never began. */
  readonly startedAt: number | null;
  /** When its work was over, as this server saw it; null: there was none. */
  readonly workEndedAt: number | null;
  /** Its work may have been over before: an earlier server began it, and nobody saw it go on. */
  readonly endUnseen: boolean;
  readonly environmentSpec: { readonly name: string; readonly version: number } | null;
}

/** How it ended, as it is stored. */
export interface Ending {
  status: FinalStatus;
  finishedAt: number;
  result: RuntimeResult;
  outcome: Outcome;
}

/** What became of spans: the collector has them; it did not take them; there was no room for more. */
export const SPANS_ENDED = ['sent', 'refused', 'dropped'] as const;
export type SpansEnded = (typeof SPANS_ENDED)[number];

export interface Traces {
  /** What who works for the run is told: work of theirs is below the span of the run. */
  contextOf(run: TracedRun): TraceContext;
  /** Its result is stored. Returns at once. */
  runFinished(run: EndedRun, ending: Ending): void;
  /** What waits is sent, for some seconds; then it is lost. Never rejects. */
  close(): Promise<void>;
}
