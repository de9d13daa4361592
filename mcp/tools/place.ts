import { z } from 'zod';
import type { Runwire } from '../../client/runwire.ts';

/** Where files are: one of these. */
export const Place = {
  workspace: z.string().min(1).optional().describe('id of a workspace'),
  run: z.string().min(1).optional().describe('or id of a run'),
  snapshot: z.string().min(1).optional().describe('or id of a snapshot'),
};

export interface GivenPlace {
  workspace?: string | undefined;
  run?: string | undefined;
  snapshot?: string | undefined;
}

/** What has files. Throws TypeError where none is named, or several. */
export function treeOf(rw: Runwire, { workspace, run, snapshot }: GivenPlace) {
  const named = [workspace, run, snapshot].filter((id) => id !== undefined);
  if (named.length !== 1) throw new TypeError('name one of workspace, run and snapshot');
  if (workspace !== undefined) return rw.workspaces.attach(workspace);
  return run !== undefined ? rw.attach(run) : rw.snapshots.attach(snapshot ?? '');
}
