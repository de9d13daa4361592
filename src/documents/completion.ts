import { z } from 'zod';
import { bounded } from './bounded.ts';
import { SCHEMA_VERSION } from './invocation.ts';
import { FINAL_STATUSES } from './result.ts';

/**
 * How a run ended, told by who did the work. What names the run is only an echo and is checked where
 * given; so are `artifacts`, ids (or descriptors) of what was uploaded.
 */
export const Completion = z.strictObject({
  status: z.enum(FINAL_STATUSES),
  exit_code: z.number().int().nullish(),
  error_summary: z.string().max(65_536).nullish(),
  metadata: bounded(z.record(z.string(), z.string())).optional(),
  artifacts: z
    .array(z.union([z.string(), z.object({ artifact_id: z.string() })]))
    .max(10_000)
    .optional(),
  schema_version: z.literal(SCHEMA_VERSION).optional(),
  contract_kind: z.literal('runtime_result').optional(),
  invocation_id: z.string().optional(),
  runtime_name: z.string().optional(),
  runtime_kind: z.string().optional(),
});
export type Completion = z.infer<typeof Completion>;
