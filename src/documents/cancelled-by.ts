import { z } from 'zod';

/**
 * Who had a run cancelled: `client` by a request, `shutdown` the server that was stopped, `backend` the service that did
 * the work, `worker` who did it by hand.
 */
export const CANCELLERS = ['client', 'shutdown', 'backend', 'worker'] as const;
export type Canceller = (typeof CANCELLERS)[number];

export const CancelledBy = z.strictObject({ by: z.enum(CANCELLERS) });
export type CancelledBy = z.infer<typeof CancelledBy>;
