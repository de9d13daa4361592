import { z } from 'zod';
import { PHASES } from './stream.ts';

const output = {
  phase: z.enum(PHASES).optional(),
  offset: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Bytes of this stream reported before these, by this claim: what was taken already is not taken again',
    ),
  text: z.string().optional(),
  base64: z.base64().optional(),
};
const oneForm = ({ text, base64 }: { text?: string | undefined; base64?: string | undefined }) =>
  (text === undefined) !== (base64 === undefined);
const eitherForm = { error: 'needs text or base64, and not both', path: ['text'] };

/** What a worker tells of its run. */
export const WorkerEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('stdout'), ...output }).refine(oneForm, eitherForm),
  z.strictObject({ type: z.literal('stderr'), ...output }).refine(oneForm, eitherForm),
  z.strictObject({
    type: z.literal('progress'),
    message: z.string().optional(),
    data: z.unknown().optional(),
  }),
]);
export type WorkerEvent = z.infer<typeof WorkerEvent>;
