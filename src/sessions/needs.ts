import { parseJson } from '../platform/json-parse.ts';
import type { StoredSession } from '../store/sessions.ts';
import type { Progress } from './session-facts.ts';

/** What an open session needs a snapshot for, in words; null: for nothing. */
export function needOf({ id, state, setup, facts }: StoredSession, snapshot: string): string | null {
  const progress = parseJson(facts) as Progress;
  const { readySnapshot, readyChoice, lastCheckpoint, checkpointing } = progress;
  if (snapshot === readySnapshot) return `it is what a reset of the session ${id} goes back to`;
  if (snapshot === (lastCheckpoint ?? readyChoice))
    return `it is what the next checkpoint of the session ${id} is compared with`;
  if (snapshot === checkpointing?.snapshot || snapshot === checkpointing?.since)
    return `a checkpoint of the session ${id} is in the making`;
  // What it will be reset to was named by the run that sets it up.
  if (state === 'preparing' && snapshot.startsWith(`${setup}.`)) return `the session ${id} is being set up`;
  return null;
}
