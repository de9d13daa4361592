import { posix } from 'node:path';
import { z } from 'zod';
import { SCHEMA_VERSION } from './invocation.ts';
import { pathOf } from './invocation-id.ts';

/** Metadata every artifact has: `size_bytes` (decimal), `sha256` (hex), `media_type`, `href`, `modified_at`. */
export const ArtifactDescriptor = z.strictObject({
  schema_version: z.literal(SCHEMA_VERSION),
  contract_kind: z.literal('artifact_descriptor'),
  artifact_id: z.string(),
  path: z.string(),
  kind: z.string(),
  description: z.string(),
  metadata: z.record(z.string(), z.string()),
});
export type ArtifactDescriptor = z.infer<typeof ArtifactDescriptor>;

/** Something that was asked to be collected and was left out, and why. */
export const Omitted = z.strictObject({ path: z.string(), reason: z.string() });
export type Omitted = z.infer<typeof Omitted>;

/** What is known of a file that becomes an artifact. */
export interface ArtifactFacts {
  id: string;
  path: string;
  kind: string;
  description: string;
  sizeBytes: number;
  sha256: string;
  mediaType: string;
  modifiedAt: string;
}

/** What a directory is kept as. */
export const TAR_TYPE = 'application/x-tar';

/** What to call its bytes: a directory is kept as a tar, and a capture without a byte is a file of all runs. */
export function fileNameOf({ artifact_id, kind, path, metadata }: ArtifactDescriptor): string {
  if (kind === 'log_excerpt') return artifact_id;
  const name = posix.basename(path) || artifact_id;
  return metadata.media_type === TAR_TYPE && !name.endsWith('.tar') ? `${name}.tar` : name;
}

/** What may be kept of one run. A file of exactly `fileBytes` is kept, and so are exactly `count` files. */
export interface ArtifactCaps {
  fileBytes: number;
  totalBytes: number;
  count: number;
  /** Directory entries looked at in each place that files come from. Default 250,000. */
  entries?: number;
}

/** The descriptor of a collected file of one run. `href` is relative to the server. */
export function describeArtifact(invocationId: string, facts: ArtifactFacts): ArtifactDescriptor {
  return {
    schema_version: SCHEMA_VERSION,
    contract_kind: 'artifact_descriptor',
    artifact_id: facts.id,
    path: facts.path,
    kind: facts.kind,
    description: facts.description,
    metadata: {
      size_bytes: String(facts.sizeBytes),
      sha256: facts.sha256,
      media_type: facts.mediaType,
      href: `${pathOf(invocationId)}/artifacts/${facts.id}`,
      modified_at: facts.modifiedAt,
    },
  };
}
