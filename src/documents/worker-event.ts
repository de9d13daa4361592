import { z } from 'zod';
import { channelOf, PHASES, STREAMS } from './stream.ts';

const output = {
  phase: z
    .enum(PHASES)
    .optional()
    .describe('setup: captured apart, with offsets of its own. Default: command'),
  offset: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Bytes of this stream and phase reported before these, by this claim: what was taken already is not taken again',
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

const MAX_EVENTS = 10_000;

const Output = z.looseObject({ type: z.enum(STREAMS), phase: z.enum(PHASES).optional() });
const Text = Output.extend({ text: z.string() });

/**
 * A batch in which a character that its worker cut in two, at the end of one text and the begin of the next of the same
 * channel, is whole in the first. Where an offset says what came before, nothing is moved: it counts bytes.
 */
function joinHalves(batch: unknown, context: z.core.ParsePayload): unknown {
  if (!Array.isArray(batch)) return batch;
  if (batch.length > MAX_EVENTS) {
    // By its length alone: an error would be made of each event that is none.
    context.issues.push({ code: 'custom', message: `has more than ${MAX_EVENTS} events`, input: batch });
    return z.NEVER;
  }
  const events: unknown[] = [...batch];
  const last = new Map<string, { at: number; event: z.infer<typeof Text> } | null>();
  for (const [at, raw] of events.entries()) {
    const { data: event } = Text.safeParse(raw);
    if (!event) {
      // Bytes of the channel come between.
      const { data: output } = Output.safeParse(raw);
      if (output) last.set(channelOf(output.type, output.phase ?? 'command'), null);
      continue;
    }
    const channel = channelOf(event.type, event.phase ?? 'command');
    const before = last.get(channel);
    if (
      before &&
      event.offset === undefined &&
      /[\ud800-\udbff]$/.test(before.event.text) &&
      /^[\udc00-\udfff]/.test(event.text)
    ) {
      events[before.at] = { ...before.event, text: before.event.text + event.text.charAt(0) };
      event.text = event.text.slice(1);
      events[at] = event;
    }
    last.set(channel, { at, event });
  }
  return events;
}

/** What a worker tells at once. */
export const WorkerEvents = z.preprocess(joinHalves, z.array(WorkerEvent).max(MAX_EVENTS));
