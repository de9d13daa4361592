import type { RunDirectory } from '../disk/run-directory.ts';
import type { ArtifactFacts } from '../documents/artifact.ts';
import type { Claimed, ClaimRequest, ClaimState, HeartbeatRequest } from '../documents/claim.ts';
import type { Completion } from '../documents/completion.ts';
import type { WorkerEvent } from '../documents/worker-event.ts';

/** What workers elsewhere may do: take runs and report on them. */
export interface Claims {
  /** The next waiting run, or null when none came in time or the signal aborted. A run goes to one worker only. */
  claim(request: ClaimRequest, signal: AbortSignal): Promise<Claimed | null>;
  /** A claim that never reached its worker: the run waits again as if nobody had taken it. */
  giveBack(claimed: Claimed): void;
  /** Is this the token of a claim of the run, present or past. Constant in time for tokens of any content. */
  holds(run: WorkedRun, token: string): boolean;
  /** Throws RunwireError unauthorized where the token is not one of the run. */
  report(run: WorkedRun, token: string): Report;
}

export interface WorkedRun {
  id: string;
  directory: RunDirectory;
}

/**
 * What the holder of a claim may say. All throw RunwireError claim_lost when the lease ended and
 * not_running when the run is over; every one of them renews the lease.
 */
export interface Report {
  heartbeat(request: HeartbeatRequest, signal: AbortSignal): Promise<ClaimState>;
  /** All of them or none. Throws invalid_field for an offset that leaves a hole. */
  events(events: readonly WorkerEvent[]): Promise<ClaimState>;
  /** Keep a file. A second one with the same id takes the place of the first. Throws body_too_large. */
  upload(upload: Upload): Promise<ArtifactFacts>;
  /** For what is done to its files: to be called again as long as it goes on, and before it takes effect. */
  working(): Promise<() => void>;
  /** Once; the same again changes nothing. Throws completion_conflict for another one, invalid_field for what is not true. */
  complete(completion: Completion): Promise<void>;
}

export interface Upload {
  id: string;
  mediaType: string;
  /** Bytes that will come, where known. */
  length: number | undefined;
  body: AsyncIterable<Buffer>;
  /** Asked before the body and once more before the file takes its place, with what has it: what it throws is thrown. */
  mayReplace?(kept: ArtifactFacts | null): void;
}
