import { z } from 'zod';
import { bounded } from './bounded.ts';
import { CallUrl } from './call-url.ts';
import { SentFile } from './options.ts';
import { ResourceId } from './resource-id.ts';

/** What a workspace begins with. */
export const WorkspaceSource = z
  .strictObject({
    snapshot: ResourceId.optional().describe('Id of a snapshot'),
    workspace: ResourceId.optional().describe('Id of another workspace, as it is now'),
    invocation: z.string().min(1).optional().describe('The directory of a run, which the server made for it'),
    git: z
      .strictObject({
        url: CallUrl.describe('https or http, without user, password and query'),
        ref: z.string().min(1).max(255).optional().describe('Branch, tag or commit. Default: HEAD'),
        secret: z
          .string()
          .min(1)
          .optional()
          .describe('Name of a secret of the server: a token for this host'),
      })
      .optional()
      .describe('A tree of a repository, with its .git'),
  })
  .refine((from) => Object.values(from).filter((one) => one !== undefined).length === 1, {
    error: 'needs one of snapshot, workspace, invocation and git, and no other',
  });
export type WorkspaceSource = z.infer<typeof WorkspaceSource>;

/** A workspace that is asked for. */
export const WorkspaceInput = z.strictObject({
  workspace_id: ResourceId.optional().describe('Default: one that the server makes'),
  from: WorkspaceSource.optional().describe('One of these. Default: nothing is in it'),
  files: z.array(SentFile).max(10_000).optional().describe('Put in after `from`'),
  metadata: bounded(z.record(z.string(), z.string())).optional(),
  ttl_seconds: z
    .number()
    .positive()
    .max(1e9)
    .optional()
    .describe('It is removed when it was not used for so long. Default: never'),
  max_bytes: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('What its files may have together. Default, and the most: RUNWIRE_MAX_WORKSPACE_BYTES'),
});
export type WorkspaceInput = z.infer<typeof WorkspaceInput>;

export const WORKSPACE_STATES = ['filling', 'ready', 'restoring', 'failed'] as const;
export type WorkspaceState = (typeof WORKSPACE_STATES)[number];

/** A directory that the server keeps from one run to the next. */
export const Workspace = z.strictObject({
  workspace_id: ResourceId,
  state: z.enum(WORKSPACE_STATES),
  reason: z.string().nullable().describe('Why it could not be filled'),
  base_snapshot: z
    .string()
    .nullable()
    .describe('What reset goes back to; null: it began empty, and reset empties it'),
  bytes: z.number().int().describe('Of its files, when they were last counted'),
  files: z.number().int(),
  max_bytes: z.number().int().nullable(),
  metadata: z.record(z.string(), z.string()),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable().describe('When it goes, if nobody uses it before; null: never'),
  runs: z.strictObject({ running: z.number().int(), queued: z.number().int() }),
  links: z.strictObject({ self: z.string(), files: z.string(), archive: z.string(), snapshots: z.string() }),
});
export type Workspace = z.infer<typeof Workspace>;

export const RestoreInput = z.strictObject({
  snapshot_id: ResourceId,
  mode: z
    .enum(['exact', 'overlay'])
    .default('exact')
    .describe('`exact`: what is not in the snapshot goes; `overlay`: it stays'),
});
export type RestoreInput = z.infer<typeof RestoreInput>;

/** What an outcome tells of the workspace of the run. */
export const WorkspaceOutcome = z.strictObject({
  id: z.string(),
  snapshots: z.strictObject({ before: z.string().nullable(), after: z.string().nullable() }),
  bytes: z.number().int().nullable().describe('Of its files after the run; null: they were not counted'),
});
export type WorkspaceOutcome = z.infer<typeof WorkspaceOutcome>;
