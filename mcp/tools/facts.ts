import { z } from 'zod';

/** What several tools answer, as schemas. */
export const Span = z.strictObject({ from: z.int(), to: z.int().describe('without this byte') });

export const NextCursor = z.string().nullable().describe('null: there are no more');

export const Status = z.enum([
  ...(['pending', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'rejected'] as const),
]);

export const Told = {
  id: z.string(),
  status: Status,
  finished: z.boolean(),
  kind: z.string(),
  name: z.string().optional(),
  exit_code: z.int().optional(),
  signal: z.string().optional(),
  why: z.string().optional().describe('why it ended so, or waits'),
  run_ms: z.int().optional(),
  artifacts: z.int().optional().describe('files that it left behind'),
};

export const ToldRun = z.strictObject(Told);

export const ShownOutput = z.strictObject({
  text: z.string(),
  stream: z.enum(['both', 'stdout', 'stderr']),
  phase: z.enum(['setup', 'command']),
  total_bytes: z.int(),
  shown: z.array(Span).describe('bytes that are shown'),
  left_out: z.array(Span).describe('bytes that are not: output shows them from an offset'),
});

export const ShownRun = z.strictObject({ ...Told, output: ShownOutput, next: z.string().optional() });
