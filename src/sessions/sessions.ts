import type { CheckpointInput, Session, SessionInput } from '../documents/session.ts';
import type { Snapshot } from '../documents/snapshot.ts';
import type { GivenFiles, Page } from '../workspaces/workspaces.ts';

/**
 * What routes may ask of the sessions of a server. All throw RunwireError: session_not_found where there is none of the id;
 * session_failed, session_closed where it cannot be used; session_busy where something else goes on in it.
 */
export interface Sessions {
  /**
   * Make one, or join the one that the same id and body already made (session_conflict for another body). Stored when it resolves,
   * with its workspace and the run that sets it up.
   */
  create(input: SessionInput, files?: GivenFiles): Promise<{ session: Session; replayed: boolean }>;
  get(id: string): Session;
  /** Newest first. */
  list(filter: { limit: number; cursor?: string }): Page<Session>;
  /** True when it is no longer `preparing`, false after `ms` or when the signal aborts. */
  prepared(id: string, ms: number, signal?: AbortSignal): Promise<boolean>;
  /** A snapshot of its workspace, and the one that it is compared with. The same of the same snapshot_id (`replayed`). */
  checkpoint(
    id: string,
    input: CheckpointInput,
    options: { whileRunning: boolean },
  ): Promise<{ snapshot: Snapshot; since: string; replayed: boolean }>;
  /** What it holds is made anew, and its workspace what it was when it got ready. */
  reset(id: string): Promise<Session>;
  /** Closed when it resolves; what it held is gone then, or goes as soon as that can be had. */
  remove(id: string, signal?: AbortSignal): Promise<void>;
}
