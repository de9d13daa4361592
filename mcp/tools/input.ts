import { z } from 'zod';
import { LEAST_BUDGET, MOST_BUDGET, USUAL_BUDGET } from '../output/shown-run.ts';

/** Inputs that several tools have. */
export const Id = z.string().min(1).describe('id of the run');

export const MOST_WAIT = 600;

export const WaitSeconds = z.number().min(0).max(MOST_WAIT);

export const MaxBytes = z
  .int()
  .min(LEAST_BUDGET)
  .max(MOST_BUDGET)
  .default(USUAL_BUDGET)
  .describe('so many bytes the answer has at most');

export const Stream = z
  .enum(['both', 'stdout', 'stderr'])
  .default('both')
  .describe('both: in the order in which they were written');

/** What several tools answer. */
const Span = z.tuple([z.int(), z.int()]);

export const ShownOutput = z.strictObject({
  text: z.string(),
  stream: z.enum(['both', 'stdout', 'stderr']),
  phase: z.enum(['setup', 'command']),
  total_bytes: z.int(),
  shown: z.array(Span).describe('bytes that are shown: from, up to and without'),
  left_out: z.array(Span).describe('bytes that are not: ask output for offset'),
});

export const Told = {
  id: z.string(),
  status: z.enum(['pending', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'rejected']),
  finished: z.boolean(),
  kind: z.string(),
  name: z.string().optional(),
  exit_code: z.int().optional(),
  signal: z.string().optional(),
  why: z.string().optional(),
  run_ms: z.int().optional(),
  artifacts: z.int().optional(),
};

export const Shown = z.strictObject({ ...Told, output: ShownOutput, next: z.string().optional() });
