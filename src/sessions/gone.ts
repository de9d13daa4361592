import { RunwireError } from '../documents/errors.ts';
import type { SessionSpaces } from './tools.ts';

const GONE: ReadonlySet<string> = new Set([
  ...['workspace_not_found', 'workspace_removed'],
  ...['snapshot_not_found', 'snapshot_removed'],
]);

/** Does it say that a workspace or a snapshot is not there. */
export const isGone = (error: unknown): boolean => error instanceof RunwireError && GONE.has(error.code);

/** Unfinished runs of a workspace; none where that is gone. */
export function runsIn(spaces: Pick<SessionSpaces, 'runsOf'>, workspace: string): string[] {
  try {
    return spaces.runsOf(workspace);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
