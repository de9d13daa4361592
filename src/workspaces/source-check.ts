import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { WorkspaceSource } from '../documents/workspace.ts';
import { messageOf } from '../platform/error-words.ts';
import { placeOf, type Sources } from './fill.ts';
import { type SpaceTools, steadyRowOf } from './tools.ts';

/** Throws invalid_field, naming it, for a source that is not there or cannot be one, and workspace_busy for a workspace with a run in it. */
export function checkSource(
  tools: Pick<SpaceTools, 'store' | 'spaces' | 'shots'>,
  sources: Sources,
  from: WorkspaceSource | undefined,
): void {
  if (from === undefined) return;
  if (from.git !== undefined && !sources.git) throw refusal('git', 'this server has no git');
  if (from.git !== undefined) sources.checkGit?.(from.git);
  try {
    if (from.snapshot !== undefined) tools.shots.row(from.snapshot);
    if (from.workspace === undefined && from.invocation === undefined) return;
    const place = placeOf(sources, from);
    if (!('workspace' in place)) return;
    steadyRowOf(tools, place.workspace);
    tools.spaces.peek(place.workspace)?.refuseRuns();
  } catch (error) {
    if (error instanceof RunwireError && error.status < 500 && error.code !== 'workspace_busy') {
      const [name = ''] = Object.keys(from);
      throw refusal(name, messageOf(error));
    }
    throw error;
  }
}

function refusal(name: string, message: string): RunwireError {
  return fieldRefusal('invalid_field', [{ path: `from.${name}`, message }]);
}
