import { z } from 'zod';
import { ArtifactDescriptor } from './artifact.ts';
import { Outcome } from './outcome.ts';
import { RuntimeResult } from './result.ts';
import { GAP_REASONS, PHASES, STREAMS } from './stream.ts';

const head = {
  invocation_id: z.string(),
  seq: z.number().int().positive(),
  time: z.iso.datetime(),
};

const output = {
  phase: z.enum(PHASES),
  offset: z.number().int().nonnegative(),
  length: z.number().int().positive(),
  text: z.string().optional(),
  base64: z.string().optional(),
};

/**
 * RuntimeEvent: seq counts 1, 2, 3 … without holes; `finished` is exactly one and last.
 * `offset` and `length` count bytes of the stream, those of setup apart (in manual runs that 0.1.0 began: both together); `text`
 * is present when those bytes are UTF-8, else `base64`. A `gap` names bytes that existed and are not kept.
 */
export const RuntimeEvent = z.discriminatedUnion('type', [
  z.strictObject({ ...head, type: z.literal('status'), status: z.enum(['pending', 'running']) }),
  z.strictObject({ ...head, type: z.literal('stdout'), ...output }),
  z.strictObject({ ...head, type: z.literal('stderr'), ...output }),
  z.strictObject({
    ...head,
    type: z.literal('progress'),
    message: z.string().optional(),
    data: z.unknown().optional(),
  }),
  z.strictObject({ ...head, type: z.literal('artifact'), artifact: ArtifactDescriptor }),
  z.strictObject({
    ...head,
    type: z.literal('gap'),
    stream: z.enum(STREAMS),
    offset: z.number().int().nonnegative(),
    length: z.number().int().positive(),
    reason: z.enum(GAP_REASONS),
    phase: z.literal('setup').optional().describe('Absent: of the command'),
  }),
  z.strictObject({ ...head, type: z.literal('finished'), result: RuntimeResult, outcome: Outcome }),
]);
export type RuntimeEvent = z.infer<typeof RuntimeEvent>;
