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
  .describe('the answer has no more bytes');

export const Stream = z
  .enum(['both', 'stdout', 'stderr'])
  .default('both')
  .describe('both: in the order in which they were written');

export const Phase = z
  .enum(['command', 'setup'])
  .default('command')
  .describe('setup: what prepared its environment wrote');

export const Cursor = z.string().min(1).optional().describe('next_cursor of the answer before');

/** What is made, and filled or set up, is waited for so long after the 30 s that the server waits itself: many clients give up after 60. */
export const READY_SECONDS = 15;

export const Limit = z.int().min(1).max(1000);

export const Files = z
  .array(
    z.strictObject({
      path: z.string().min(1).describe('relative, with slashes'),
      text: z.string().optional(),
      base64: z.string().optional().describe('where it is no text'),
      executable: z.boolean().optional(),
    }),
  )
  .min(1);
