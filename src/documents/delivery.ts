import { z } from 'zod';
import type { Invocation } from './invocation.ts';

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;

/** How far the POST of the result to `options.on_finish.url` has come. It never holds the secret. */
export const Delivery = z.strictObject({
  url: z.string(),
  state: z.enum(DELIVERY_STATES),
  attempts: z.number().int().describe('Attempts that are over'),
  last_status: z.number().int().nullable().describe('HTTP status of the last answer'),
  last_error: z.string().nullable().describe('Why the last attempt failed'),
  next_attempt_at: z.iso.datetime().nullable().describe('Null: at once when the run ends, or never again'),
});
export type Delivery = z.infer<typeof Delivery>;

/** What the store keeps of `on_finish` of a new run, or undefined when there is none. */
export function newDelivery(invocation: Invocation): { delivery: string; secret: string | null } | undefined {
  const { on_finish } = invocation.options;
  if (on_finish === undefined) return undefined;
  const delivery: Delivery = {
    url: on_finish.url,
    state: 'pending',
    attempts: 0,
    last_status: null,
    last_error: null,
    next_attempt_at: null,
  };
  return { delivery: JSON.stringify(delivery), secret: on_finish.secret ?? null };
}
