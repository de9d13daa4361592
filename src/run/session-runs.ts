import { CannotBegin, Rejected } from '../contract/outcome.ts';
import type { InvocationInput, WholeInvocationInput } from '../documents/invocation.ts';
import type { DefaultsLayer } from '../documents/invocation-defaults.ts';
import { messageOf } from '../platform/error-words.ts';
import type { SpecOfRun } from '../store/specs.ts';
import type { LiveRun } from './live-run.ts';
import type { SessionRoles } from './session-role.ts';

/** A run with what its session says. */
export interface EnteredRun {
  whole: WholeInvocationInput;
  /** The environment spec of the session; null: it has none. */
  spec: SpecOfRun | null;
  /** What stands below what was sent. */
  layers: readonly DefaultsLayer[];
}

/** What the engine asks of sessions for their runs. */
export interface SessionRuns extends SessionRoles {
  /**
   * A new run that names a session, with what that gives it. `isOwn`: it sets it up, and has all. Throws RunwireError where none
   * may be in it, and for what is the session's to say.
   */
  enter(sent: InvocationInput, isOwn: boolean): EnteredRun;
  /** It is stored, or an earlier server had it. */
  joined(run: string, session: string): void;
  /** It is over. */
  left(run: string, session: string): void;
  /** In its turn in the workspace of the session, before it begins. Null: it may; else why not. */
  refusalOf(run: string, session: string): Promise<string | null>;
  /** The session that needs the record of the run. */
  keeps(run: string): string | null;
}

/** It has its turn and a place: what its session has against it is its refusal. Never rejects. */
export async function askSession(run: LiveRun, sessions: SessionRuns | null): Promise<void> {
  const { session } = run.invocation.options;
  if (session === undefined || run.signal.aborted || run.refusal) return;
  try {
    await run.stored;
    const refusal =
      sessions === null ? 'this server has no sessions' : await sessions.refusalOf(run.id, session);
    if (refusal !== null) run.refuse(new Rejected(refusal));
  } catch (error) {
    run.refuse(new CannotBegin(messageOf(error), { cause: error }));
  }
}
