import { z } from 'zod';
import { ResourceId } from './resource-id.ts';

/** `options.workspace` of an invocation. */
export const WorkspaceUse = z.union([
  ResourceId,
  z.strictObject({
    id: ResourceId,
    shared: z.boolean().optional().describe('It may run beside others that say so too'),
    snapshot: z.enum(['before', 'after', 'both']).optional(),
  }),
]);
export type WorkspaceUse = z.infer<typeof WorkspaceUse>;

/** The same, whole. */
export interface WorkspaceOfRun {
  readonly id: string;
  readonly shared: boolean;
  readonly snapshot: 'before' | 'after' | 'both' | null;
}

/** Null: the run has none. */
export function workspaceOf(use: WorkspaceUse | undefined): WorkspaceOfRun | null {
  if (use === undefined) return null;
  const { id, shared = false, snapshot = null } = typeof use === 'string' ? { id: use } : use;
  return { id, shared, snapshot };
}
