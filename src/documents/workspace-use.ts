import { z } from 'zod';
import { ResourceId } from './resource-id.ts';
import { Globs } from './snapshot.ts';

/** `options.workspace` of an invocation. */
export const WorkspaceUse = z.union([
  ResourceId,
  z.strictObject({
    id: ResourceId,
    shared: z.boolean().optional().describe('It may run beside others that say so too'),
    snapshot: z.enum(['before', 'after', 'both']).optional(),
    keep: Globs.optional().describe('Of these snapshots, globs: nothing else is in them'),
    ignore: Globs.optional().describe('The same: what they match is not in them, nor what is below'),
  }),
]);
export type WorkspaceUse = z.infer<typeof WorkspaceUse>;

/** The same, whole. */
export interface WorkspaceOfRun {
  readonly id: string;
  readonly shared: boolean;
  readonly snapshot: 'before' | 'after' | 'both' | null;
  /** What is in these snapshots: as of one that is asked for. */
  readonly filter: { readonly keep?: string[] | undefined; readonly ignore?: string[] | undefined };
}

/** Null: the run has none. */
export function workspaceOf(use: WorkspaceUse | undefined): WorkspaceOfRun | null {
  if (use === undefined) return null;
  const { id, shared = false, snapshot = null, keep, ignore } = typeof use === 'string' ? { id: use } : use;
  return { id, shared, snapshot, filter: { ...(keep && { keep }), ...(ignore && { ignore }) } };
}
