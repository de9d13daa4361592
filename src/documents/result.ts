import { z } from 'zod';
import { ArtifactDescriptor } from './artifact.ts';
import { SCHEMA_VERSION } from './invocation.ts';
import { RxpKind } from './rxp-kind.ts';

export const STATUSES = [
  'pending',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'rejected',
] as const;
export const Status = z.enum(STATUSES);
export type Status = z.infer<typeof Status>;

/** A final status never changes. */
export const FINAL_STATUSES = ['succeeded', 'failed', 'timed_out', 'cancelled', 'rejected'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];

export function isFinal(status: Status): status is FinalStatus {
  return status !== 'pending' && status !== 'running';
}

/** RuntimeResult, exact RxP 0.1. Times are RFC 3339, UTC, milliseconds. */
export const RuntimeResult = z.strictObject({
  schema_version: z.literal(SCHEMA_VERSION),
  contract_kind: z.literal('runtime_result'),
  invocation_id: z.string(),
  runtime_name: z.string(),
  runtime_kind: RxpKind.describe('The word of RxP; that of this server is in the record'),
  status: Status,
  exit_code: z.number().int().nullable(),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime(),
  stdout_path: z.string().nullable(),
  stderr_path: z.string().nullable(),
  artifacts: z.array(ArtifactDescriptor),
  error_summary: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
});
export type RuntimeResult = z.infer<typeof RuntimeResult>;
