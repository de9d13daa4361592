import { z } from 'zod';
import type { Places } from './places.ts';

/**
 * `places` and `calls`: all of them are taken; `draining`: the next server has it; `worker`: nobody has claimed it;
 * `workspace`: others are in it, or come first.
 */
export const WAITING_REASONS = ['places', 'calls', 'draining', 'worker', 'workspace'] as const;
export type WaitingReason = (typeof WAITING_REASONS)[number];

/** So many of those who hold the places are named. */
export const NAMED_HOLDERS = 10;

/** Why a run does not begin yet. */
export const Waiting = z.strictObject({
  reason: z
    .enum(WAITING_REASONS)
    .describe(
      '`places`: all places of programs are taken; `calls`: all of calls; `draining`: the server stops, and the next one has it; `worker`: nobody has claimed it; `workspace`: it is the turn of others in its workspace',
    ),
  place: z.number().int().min(1).describe('1 is the next'),
  holders: z
    .array(z.string())
    .max(NAMED_HOLDERS)
    .describe(
      'invocation_ids of the runs that hold the places, or the workspace, oldest first; of many the first',
    ),
});
export type Waiting = z.infer<typeof Waiting>;

/** What a run waits for that waits for one of these. */
export const REASON_OF: Readonly<{ [Sort in Places]: WaitingReason }> = {
  programs: 'places',
  calls: 'calls',
};
