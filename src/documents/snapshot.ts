import { z } from 'zod';
import { bounded } from './bounded.ts';
import { ResourceId } from './resource-id.ts';

/** At most a hundred. */
export const Globs = z.array(z.string().min(1).max(1000)).max(100);

/** A snapshot that is asked for. */
export const SnapshotInput = z.strictObject({
  snapshot_id: ResourceId.optional().describe('Default: one that the server makes'),
  keep: Globs.optional().describe('Globs: nothing else is in it'),
  ignore: Globs.optional().describe('Globs: what they match is not in it, nor what is below'),
  metadata: bounded(z.record(z.string(), z.string())).optional(),
});
export type SnapshotInput = z.infer<typeof SnapshotInput>;

/** A tree at one moment. Its contents do not change. */
export const Snapshot = z.strictObject({
  snapshot_id: ResourceId,
  workspace_id: z.string().describe('The workspace that it was taken of'),
  digest: z
    .string()
    .describe('SHA-256 (hex) of the list of all that is in it: the same content has the same'),
  files: z.number().int().describe('Regular files in it'),
  bytes: z.number().int().describe('Sum of their sizes'),
  omitted: z
    .array(z.strictObject({ path: z.string(), reason: z.string() }))
    .describe('What was there and is not in it, and why; of many the first'),
  metadata: z.record(z.string(), z.string()),
  created_at: z.iso.datetime(),
});
export type Snapshot = z.infer<typeof Snapshot>;

const Side = z.strictObject({
  size_bytes: z.number().int().describe('Of a link: of its text; of a directory: 0'),
  sha256: z.string().nullable().describe('Of a link: of its text; of a directory: null'),
  mode: z.string(),
});
const lines = z.number().int().nullable();

/** How one path differs. `old` and `new` are null where there is nothing of this path on that side. */
export const FileDiff = z.strictObject({
  path: z.string(),
  change: z
    .enum(['created', 'deleted', 'modified', 'mode_changed'])
    .describe('`modified`: content, text of the link, or type; `mode_changed`: the content is the same'),
  type: z.enum(['file', 'directory', 'link']).describe('On the newer side, or the only one'),
  old: Side.nullable(),
  new: Side.nullable(),
  binary: z
    .boolean()
    .describe('A NUL or no UTF-8 in it; of what is over 1 MiB only the first 8 KiB are looked at'),
  lines_added: lines.describe('Null: not counted, see `stats.uncounted`, or it is binary'),
  lines_removed: lines,
  patch: z.string().optional().describe('As `git diff` writes it'),
  patch_omitted: z.string().optional().describe('Why there is none'),
});
export type FileDiff = z.infer<typeof FileDiff>;

export const DiffStats = z.strictObject({
  created: z.number().int(),
  deleted: z.number().int(),
  modified: z.number().int(),
  mode_changed: z.number().int(),
  lines_added: z.number().int(),
  lines_removed: z.number().int(),
  uncounted: z
    .number()
    .int()
    .describe('Of so many the lines were not counted: over 1 MiB, or behind the first 64 MiB of contents'),
});
export type DiffStats = z.infer<typeof DiffStats>;

/** How two trees differ. `stats` are of all of it, `files` a page. */
export const Diff = z.strictObject({
  from: z.string().describe('Digest of the older side'),
  to: z.string(),
  stats: DiffStats,
  files: z.array(FileDiff),
  next_cursor: z.string().nullable().describe('Path of the last one here; null: there are no more'),
});
export type Diff = z.infer<typeof Diff>;
