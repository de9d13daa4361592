import type { WorkspaceSource } from '../documents/workspace.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { inputOf } from './workspace-facts.ts';

/** The workspace that is being filled with this, which is to stay until that is done; null: none. */
export function filledFrom(
  { workspaces }: Pick<InvocationStore, 'workspaces'>,
  what: Exclude<keyof WorkspaceSource, 'git'>,
  id: string,
): string | null {
  for (const row of workspaces.unready())
    if (row.state === 'filling' && inputOf(row).from?.[what] === id) return row.id;
  return null;
}
